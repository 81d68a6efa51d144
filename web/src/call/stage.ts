import { type Signal, signal } from "@preact/signals";
import type { RoomSnapshot } from "../protocol/generated.ts";
import {
  CALM_MILLISECONDS,
  EMPTY_STAGE,
  nextStage,
  type StageEvent,
  type StageState,
  waitsForCalm,
} from "./stage-state.ts";
import { pictureName } from "./viewing.ts";

/** Keeps the stage of a stay in the room: who is large, who is where beside. */
export class Stage {
  readonly state: Signal<StageState> = signal(EMPTY_STAGE);
  private readonly largeChanged: (name: string | null) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(largeChanged: (name: string | null) => void) {
    this.largeChanged = largeChanged;
  }

  /** The room's people and shared screen, our own left out. */
  follow(room: RoomSnapshot, me: string): void {
    const here = room.participants.filter(({ person, connection }) => person.id !== me && connection !== "absent");
    const practitioners = here.filter(({ person }) => person.role === "practitioner");
    const patients = here.filter(({ person }) => person.role === "patient");
    const names = new Set([...practitioners, ...patients, ...here].map(({ person }) => person.id));
    const screen = room.screen !== null && names.has(room.screen) ? pictureName(room.screen, true) : null;
    this.advance({ kind: "present", names: [...names], screen });
  }

  /** Null: nobody speaks; whoever spoke last stays large. */
  hear(speaker: string | null): void {
    this.advance({ kind: "speaker", name: speaker });
  }

  /** Null: nobody any more. */
  pin(name: string | null): void {
    this.advance({ kind: "pin", name });
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private advance(event: StageEvent): void {
    const before = this.state.peek();
    const now = performance.now();
    const after = nextStage(before, event, now);
    this.state.value = after;
    if (after.places[0] !== before.places[0]) this.largeChanged(after.places[0] ?? null);
    clearTimeout(this.timer);
    if (!waitsForCalm(after)) return;
    this.timer = setTimeout(() => this.advance({ kind: "time" }), after.changedAt + CALM_MILLISECONDS - now);
  }
}
