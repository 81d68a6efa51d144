import { type Signal, signal } from "@preact/signals";
import type { RoomSnapshot } from "../protocol/generated.ts";

/** Somebody else came into the room or is no longer in it. */
export interface Coming {
  readonly kind: "came" | "gone";
  readonly name: string;
}

/** Who loads a page anew is back by then. */
export const SETTLE_MILLISECONDS = 1500;
/** A server that was started anew sees everybody come back one after the other. */
export const RETURN_MILLISECONDS = 8000;
export const TOLD_MILLISECONDS = 6000;
/** Of whoever comes and goes all the time no more is told than this, so that they do not drown the others. */
const MOST_TELLINGS = 2;
const TELLINGS_MILLISECONDS = 60_000;

/** Tells for a few seconds who came into the room or left it; of several the newest. */
export class Comings {
  readonly news: Signal<Coming | null> = signal(null);
  /** Names of those who were here when it was last told; null: not in the room yet. */
  private known: ReadonlyMap<string, string> | null = null;
  private here: ReadonlyMap<string, string> = new Map();
  /** Who came or went since, the newest last. */
  private readonly moved = new Set<string>();
  /** When was told of whom, of late. */
  private readonly tellings = new Map<string, readonly number[]>();
  private settling: ReturnType<typeof setTimeout> | undefined;
  private hiding: ReturnType<typeof setTimeout> | undefined;

  /** Our own seat was taken, perhaps once more. */
  seated(): void {
    if (!this.known) return;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.tell(), RETURN_MILLISECONDS);
  }

  follow(room: RoomSnapshot, me: string): void {
    const others = room.participants.filter(({ person, connection }) => person.id !== me && connection !== "absent");
    const before = this.here;
    this.here = new Map(others.map(({ person }) => [person.id, person.name]));
    if (!this.known) {
      this.known = this.here;
      return;
    }
    for (const person of new Set([...before.keys(), ...this.here.keys()])) {
      if (before.has(person) !== this.here.has(person)) this.move(person);
    }
  }

  stop(): void {
    clearTimeout(this.settling);
    clearTimeout(this.hiding);
  }

  private move(person: string): void {
    this.moved.delete(person);
    this.moved.add(person);
    this.settling ??= setTimeout(() => this.tell(), SETTLE_MILLISECONDS);
  }

  private mayTell(person: string, now: number): boolean {
    return this.toldLately(person, now).length < MOST_TELLINGS;
  }

  private toldLately(person: string, now: number): readonly number[] {
    return (this.tellings.get(person) ?? []).filter((told) => now - told < TELLINGS_MILLISECONDS);
  }

  private tell(): void {
    const { known, here } = this;
    const now = performance.now();
    const person = [...this.moved].findLast((one) => known?.has(one) !== here.has(one) && this.mayTell(one, now));
    this.settling = undefined;
    this.moved.clear();
    this.known = here;
    if (person === undefined) return;
    this.tellings.set(person, [...this.toldLately(person, now), now]);
    const name = here.get(person) ?? known?.get(person) ?? "";
    this.news.value = { kind: here.has(person) ? "came" : "gone", name };
    clearTimeout(this.hiding);
    this.hiding = setTimeout(() => {
      this.news.value = null;
    }, TOLD_MILLISECONDS);
  }
}
