import type { StageState } from "../../call/stage-state.ts";

/** `whole`: one person has the stage to themselves, as in a talk of two. */
export type Place = "whole" | "large" | "beside";

export interface Layout {
  readonly kind: "alone" | "pair" | "group";
  /** Columns beside the large one on a wide screen, and rows there under the first, which the own picture begins. */
  readonly columns: number;
  readonly rows: number;
  /** `tall`: above all others. `low`: one among those beside, no larger than they are. */
  readonly own: "tall" | "low";
}

const MOST_IN_ONE_COLUMN = 3;
const MOST_UNDER_A_TALL_OWN = 2;

export function layoutOf({ places }: StageState): Layout {
  const beside = Math.max(0, places.length - 1);
  const columns = beside > MOST_IN_ONE_COLUMN ? 2 : 1;
  const kind = places.length === 0 ? "alone" : beside === 0 ? "pair" : "group";
  const own = beside > MOST_UNDER_A_TALL_OWN ? "low" : "tall";
  return { kind, columns, rows: Math.ceil((beside + 1) / columns) - 1, own };
}

export function placeOf(stage: StageState, name: string): Place {
  if (stage.places.length < 2) return "whole";
  return stage.places[0] === name ? "large" : "beside";
}
