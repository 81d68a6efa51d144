import type { VerdictView } from "../protocol/generated.ts";
import type { RefusalCode } from "../signal/errors.ts";

/** What the person has done about entering. */
export type Entry =
  | { readonly kind: "idle" }
  /** «Войти» was pressed (or the devices were made ready while it was too early): enter as soon as it is allowed. */
  | { readonly kind: "wanted" }
  | { readonly kind: "entering" }
  | { readonly kind: "refused"; readonly code: RefusalCode };

export const ENDINGS = ["left", "finished", "taken_over", "removed", "lost"] as const;
export type Ending = (typeof ENDINGS)[number];

/** Whoever is shut out while inside goes to the page of that verdict, as if they had just opened the link. */
export const SHUT_OUT = ["link_revoked", "not_invited"] as const;
export type ShutOut = (typeof SHUT_OUT)[number];

export function isShutOut(reason: string | undefined): reason is ShutOut {
  return SHUT_OUT.some((one) => one === reason);
}

/** Where this page is between the link and the room. */
export type Lobby =
  | { readonly kind: "opening" }
  | { readonly kind: "unreachable" }
  | { readonly kind: "outside"; readonly verdict: VerdictView; readonly entry: Entry }
  | { readonly kind: "inside"; readonly verdict: VerdictView }
  | { readonly kind: "over"; readonly verdict: VerdictView; readonly ending: Ending }
  | { readonly kind: "forgotten" };

export type LobbyEvent =
  | { readonly kind: "opened"; readonly verdict: VerdictView }
  | { readonly kind: "unreachable" }
  | { readonly kind: "verdict"; readonly verdict: VerdictView }
  | { readonly kind: "want" }
  | { readonly kind: "entering" }
  | { readonly kind: "entered" }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly verdict: VerdictView | null }
  | { readonly kind: "ended"; readonly ending: Ending | ShutOut }
  | { readonly kind: "return" }
  | { readonly kind: "forgotten" };

const IDLE: Entry = { kind: "idle" };

/** Verdicts during which a wish to enter stays alive and the page enters by itself. */
const WAITING = new Set(["too_early", "waiting_for_practitioner", "admitted"]);

export function nextLobby(state: Lobby, event: LobbyEvent): Lobby {
  if (event.kind === "forgotten") return { kind: "forgotten" };
  switch (state.kind) {
    case "opening":
    case "unreachable":
      return fromOpening(state, event);
    case "outside":
      return fromOutside(state, event);
    case "inside":
      return fromInside(state, event);
    case "over":
      return fromOver(state, event);
    case "forgotten":
      return state;
  }
}

/**
 * True when the next step is to ask for the seat. While the practitioner is away one request is made all the same:
 * it tells them that this person is here. Only a wish or news from the server start a request, never a refusal.
 */
export function shouldEnter(before: Lobby, event: LobbyEvent, after: Lobby): boolean {
  if (after.kind !== "outside" || after.entry.kind !== "wanted") return false;
  if (event.kind !== "want" && event.kind !== "verdict") return false;
  if (after.verdict.code === "admitted") return true;
  const alreadyTold =
    event.kind === "verdict" && before.kind === "outside" && before.verdict.code === after.verdict.code;
  return after.verdict.code === "waiting_for_practitioner" && !alreadyTold;
}

function fromOpening(state: Lobby, event: LobbyEvent): Lobby {
  if (event.kind === "opened" || event.kind === "verdict") {
    return { kind: "outside", verdict: event.verdict, entry: IDLE };
  }
  return event.kind === "unreachable" ? { kind: "unreachable" } : state;
}

function fromOutside(state: Extract<Lobby, { kind: "outside" }>, event: LobbyEvent): Lobby {
  switch (event.kind) {
    case "verdict":
    case "opened":
      return { ...state, verdict: event.verdict, entry: entryUnder(event.verdict, state.entry) };
    case "want":
      return { ...state, entry: { kind: "wanted" } };
    case "entering":
      return { ...state, entry: { kind: "entering" } };
    case "entered":
      return { kind: "inside", verdict: state.verdict };
    case "refused":
      return afterRefusal(state, event.code, event.verdict);
    case "ended":
      // The seat was lost again before the room was on show.
      return afterEnd(state.verdict, event.ending);
    default:
      return state;
  }
}

function entryUnder(verdict: VerdictView, entry: Entry): Entry {
  if (entry.kind === "entering") return entry;
  return WAITING.has(verdict.code) ? entry : IDLE;
}

function afterRefusal(
  state: Extract<Lobby, { kind: "outside" }>,
  code: RefusalCode,
  verdict: VerdictView | null,
): Lobby {
  if (code === "not_admitted" && verdict) {
    const entry: Entry = WAITING.has(verdict.code) ? { kind: "wanted" } : IDLE;
    return { ...state, verdict, entry };
  }
  // The link dropped: the server greets a new one with a verdict, and that starts the next try.
  if (code === "disconnected") return { ...state, entry: { kind: "wanted" } };
  if (code === "already_inside") {
    return { ...state, verdict: { ...state.verdict, inside_elsewhere: true }, entry: IDLE };
  }
  return { ...state, entry: { kind: "refused", code } };
}

function fromInside(state: Extract<Lobby, { kind: "inside" }>, event: LobbyEvent): Lobby {
  if (event.kind === "ended") return afterEnd(state.verdict, event.ending);
  return event.kind === "verdict" ? { ...state, verdict: event.verdict } : state;
}

function afterEnd(verdict: VerdictView, ending: Ending | ShutOut): Lobby {
  return isShutOut(ending)
    ? { kind: "outside", verdict: { ...verdict, code: ending }, entry: IDLE }
    : { kind: "over", verdict, ending };
}

function fromOver(state: Extract<Lobby, { kind: "over" }>, event: LobbyEvent): Lobby {
  if (event.kind === "return") return { kind: "outside", verdict: state.verdict, entry: IDLE };
  if (event.kind !== "verdict") return state;
  return isShutOut(event.verdict.code)
    ? { kind: "outside", verdict: event.verdict, entry: IDLE }
    : { ...state, verdict: event.verdict };
}
