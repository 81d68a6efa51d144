import type { StageState } from "../../call/stage-state.ts";

/** `whole`: one person has the stage to themselves, as in a talk of two. */
export type Place = "whole" | "large" | "beside";

export interface Layout {
  readonly kind: "alone" | "pair" | "group";
  /** Rows and columns of those beside the large one, under the own picture of a wide screen. */
  readonly rows: number;
  readonly columns: number;
}

const MOST_IN_ONE_COLUMN = 3;

export function layoutOf({ places }: StageState): Layout {
  const beside = Math.max(0, places.length - 1);
  const columns = beside > MOST_IN_ONE_COLUMN ? 2 : 1;
  const kind = places.length === 0 ? "alone" : beside === 0 ? "pair" : "group";
  return { kind, rows: Math.ceil(beside / columns), columns };
}

export function placeOf(stage: StageState, name: string): Place {
  if (stage.places.length < 2) return "whole";
  return stage.places[0] === name ? "large" : "beside";
}
