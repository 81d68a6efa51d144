import type { Ending } from "../call/lobby-state.ts";
import type { VerdictCode } from "../protocol/generated.ts";
import type { ShownTrouble } from "../ui/devices-view.ts";

export type JoinState =
  | VerdictCode
  | "opening"
  | "unreachable"
  | "forgotten"
  | "ready"
  | "ready-practitioner"
  | "ready-other-zone"
  | "too-early-ready"
  | "too-early-days"
  | "waiting-now"
  | "waiting-delay"
  | "moved"
  | "take-over"
  | "asking"
  | "entering"
  | "refused-entry"
  | "paid-after-lapse"
  | "other-device"
  | `over-${Ending}`
  | `trouble-${ShownTrouble}`
  | "trouble-camera-only";

export type RoomState =
  | "two"
  | "practitioner"
  | "three"
  | "alone"
  | "connecting"
  | "unstable"
  | "reconnecting"
  | "link-down"
  | "peer-gone"
  | "peer-camera-off"
  | "own-muted"
  | "speaking-muted"
  | "own-camera-off"
  | "text-only"
  | "sound-refused"
  | "participants"
  | "settings"
  | "ask-leave"
  | "ask-finish"
  | "ask-remove"
  | "notice-refunded"
  | "notice-cancelled"
  | "failed";
