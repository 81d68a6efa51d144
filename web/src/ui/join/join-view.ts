import type { Lobby } from "../../call/lobby-state.ts";
import type { VerdictCode, VerdictView } from "../../protocol/generated.ts";
import { type DeviceActions, type DevicesView, troublesOf } from "../devices-view.ts";

export interface JoinView {
  readonly lobby: Exclude<Lobby, { kind: "inside" }>;
  readonly devices: DevicesView;
  /** The server's time, in milliseconds. */
  readonly now: number;
  readonly zone: string;
  /** This page's own address, for another device. */
  readonly link: string;
}

export interface JoinActions extends DeviceActions {
  readonly enter: () => void;
  readonly takeOver: () => void;
  readonly enterAudioOnly: () => void;
  readonly enterTextOnly: () => void;
  readonly acceptConsent: (version: string) => void;
  readonly reopen: () => void;
  readonly comeBack: () => void;
  /** The person follows the link to the payment page. */
  readonly pay: () => void;
  readonly forget: () => void;
}

/** Verdicts under which it makes sense to get ready and to enter. */
const READY: ReadonlySet<VerdictCode> = new Set(["too_early", "waiting_for_practitioner", "admitted"]);

export function canPrepare(verdict: VerdictView): boolean {
  return READY.has(verdict.code);
}

/** Nobody will enter under these any more: what can still be done stands beside the verdict itself. */
const SETTLED: ReadonlySet<VerdictCode> = new Set([
  "link_invalid",
  "link_revoked",
  "not_invited",
  "removed",
  "entered_in_error",
  "cancelled",
  "finished",
  "payment_lapsed",
  "payment_refunded",
  "too_late",
]);

export function isSettled(verdict: VerdictView): boolean {
  return SETTLED.has(verdict.code);
}

/** Entering itself: not while it is too early, for then the page enters by itself. */
export function canEnter(verdict: VerdictView): boolean {
  return verdict.code === "admitted" || verdict.code === "waiting_for_practitioner";
}

/** After leaving, the way back stays open while the server would admit. */
export function canReturn(verdict: VerdictView): boolean {
  return canEnter(verdict) || verdict.code === "too_early";
}

/** Up to then it is no delay: doctors come a minute or two after the hour, and clocks differ. */
const LEAST_DELAY_MINUTES = 5;

const STAFF = new Set(["practitioner", "consultant"]);

export function isStaff(verdict: VerdictView | null): boolean {
  return STAFF.has(verdict?.me?.role ?? "");
}

/** How long the doctor is awaited already, in minutes; null: not long enough to speak of. */
export function toldDelay({ delay_minutes: minutes }: VerdictView): number | null {
  return minutes !== null && minutes >= LEAST_DELAY_MINUTES ? minutes : null;
}

/** Whether the doctor's conclusion comes to this person: an interpreter, say, has no account for it. */
export function getsConclusion({ me, appointment }: VerdictView): boolean {
  return me?.role === "patient" || Boolean(appointment?.record_url || appointment?.cabinet_url);
}

/** Verdicts that are nobody's trouble: the next step stands on the page. */
const AS_IT_SHOULD_BE: ReadonlySet<VerdictCode> = new Set([
  ...READY,
  "finished",
  "payment_required",
  "payment_pending",
  "consent_required",
]);

/** What a person may read to the clinic's support when something is wrong; empty when nothing is. */
export function supportCode({ lobby, devices }: JoinView): string {
  switch (lobby.kind) {
    case "outside": {
      const { entry, verdict } = lobby;
      if (entry.kind === "refused") return entry.code;
      const trouble = canPrepare(verdict) ? troublesOf(devices)[0] : undefined;
      if (trouble) return `${trouble.kind}-${trouble.trouble}`;
      return AS_IT_SHOULD_BE.has(verdict.code) ? "" : verdict.code;
    }
    case "over":
      return lobby.ending === "lost" || lobby.ending === "removed" ? pageState(lobby) : "";
    case "unreachable":
      return lobby.kind;
    default:
      return "";
  }
}

/** The value of `data-state` on the page's root. */
export function pageState(lobby: Lobby): string {
  switch (lobby.kind) {
    case "outside":
      return lobby.verdict.code;
    case "inside":
      return "room";
    case "over":
      return `over-${lobby.ending}`;
    default:
      return lobby.kind;
  }
}
