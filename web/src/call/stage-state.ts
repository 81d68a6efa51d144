/**
 * Who stands where on the stage. The places beside the large one are stable: when somebody becomes large, the one who
 * was large takes their place, and nobody else moves. The large place does not change more often than every two seconds
 * by itself; what a person asks for happens at once.
 */
export interface StageState {
  /** Names of pictures (`pictureName`), the large one first. */
  readonly places: readonly string[];
  readonly pinned: string | null;
  /** Who speaks, as far as they are on the stage. */
  readonly speaker: string | null;
  /** Who shares a screen. */
  readonly screen: string | null;
  /** When the large place last changed, in milliseconds. */
  readonly changedAt: number;
}

export type StageEvent =
  /** Everybody who is here, in order of preference for the large place. */
  | { readonly kind: "present"; readonly names: readonly string[]; readonly screen: string | null }
  | { readonly kind: "speaker"; readonly name: string | null }
  | { readonly kind: "pin"; readonly name: string | null }
  | { readonly kind: "time" };

export const EMPTY_STAGE: StageState = { places: [], pinned: null, speaker: null, screen: null, changedAt: 0 };

export const CALM_MILLISECONDS = 2000;

export function nextStage(state: StageState, event: StageEvent, now: number): StageState {
  switch (event.kind) {
    case "present":
      return arranged(present(state, event.names, event.screen), now);
    case "speaker":
      return arranged({ ...state, speaker: event.name }, now);
    case "pin":
      return arranged({ ...state, pinned: event.name }, now);
    case "time":
      return arranged(state, now);
  }
}

/** Who should be large and is not yet, only because it is too soon. */
export function waitsForCalm(state: StageState): boolean {
  const wanted = wantedLarge(state);
  return wanted !== undefined && wanted !== state.places[0];
}

function present(state: StageState, names: readonly string[], screen: string | null): StageState {
  const all = screen === null ? names : [screen, ...names];
  const staying = state.places.filter((name) => all.includes(name));
  const places = [...staying, ...all.filter((name) => !staying.includes(name))];
  // A screen that is shown anew is why everybody looks: it goes before what was pinned.
  const shownAnew = screen !== null && screen !== state.screen;
  const pinned = state.pinned !== null && all.includes(state.pinned) && !shownAnew ? state.pinned : null;
  const speaker = state.speaker !== null && names.includes(state.speaker) ? state.speaker : null;
  // Who was large has left: the most fitting one takes the place, not the next in the row.
  const vacant = state.places[0] !== staying[0];
  return { ...state, places: vacant ? swapped(places, all[0]) : places, pinned, speaker, screen };
}

function wantedLarge({ places, pinned, screen, speaker }: StageState): string | undefined {
  return [pinned, screen, speaker].find((name) => name !== null && places.includes(name)) ?? undefined;
}

function arranged(state: StageState, now: number): StageState {
  const wanted = wantedLarge(state);
  if (wanted === undefined || wanted === state.places[0]) return state;
  const asked = wanted === state.pinned || wanted === state.screen;
  if (!asked && now - state.changedAt < CALM_MILLISECONDS) return state;
  return { ...state, places: swapped(state.places, wanted), changedAt: now };
}

function swapped(places: readonly string[], wanted: string | undefined): readonly string[] {
  const first = places[0];
  if (first === undefined || wanted === undefined || !places.includes(wanted)) return places;
  return places.map((name, index) => (index === 0 ? wanted : name === wanted ? first : name));
}
