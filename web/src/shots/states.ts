import { ENDINGS } from "../call/lobby-state.ts";
import { SHARE_TROUBLES } from "../call/screen-share-state.ts";
import { CONNECTION_STATE_VALUES, DEVICE_STATE_VALUES, VERDICT_CODE_VALUES } from "../protocol/generated.ts";
import { SHOWN_TROUBLES } from "../ui/devices-view.ts";

/** Every state of the join page that looks different; each has a fixture, and a picture is taken of each. */
export const JOIN_STATES = [
  ...VERDICT_CODE_VALUES,
  "opening",
  "unreachable",
  "forgotten",
  "ready",
  "ready-practitioner",
  "ready-other-zone",
  "too-early-ready",
  "too-early-days",
  "waiting-now",
  "waiting-delay",
  "moved",
  "take-over",
  "asking",
  "entering",
  "refused-entry",
  "paid-after-lapse",
  "other-device",
  ...ENDINGS.map((ending) => `over-${ending}` as const),
  "over-left-practitioner",
  "over-finished-practitioner",
  ...SHOWN_TROUBLES.map((trouble) => `trouble-${trouble}` as const),
  "trouble-camera-only",
] as const;
export type JoinState = (typeof JOIN_STATES)[number];

type Told<All extends string, Ordinary extends string> = Exclude<All, Ordinary>;

/** The other person's connections and cameras that are told; absent and good ones are in other pictures. */
const PEER_CONNECTIONS = CONNECTION_STATE_VALUES.filter(
  (one): one is Told<typeof one, "absent" | "live"> => one !== "absent" && one !== "live",
);
const PEER_CAMERAS = DEVICE_STATE_VALUES.filter((one): one is Told<typeof one, "on"> => one !== "on");

/** Every state of the room that looks different. */
export const ROOM_STATES = [
  "two",
  "practitioner",
  "three",
  "six",
  "eight",
  "group-mixed",
  "group-pinned",
  "group-text-only",
  "picture-coming",
  "picture-overdue",
  "picture-paused",
  "group-paused",
  "group-own-off",
  "screen",
  "screen-zoomed",
  "screen-group",
  "screen-four-weak-link",
  "screen-practitioner",
  "screen-person-pinned",
  "screen-coming",
  "screen-unseen",
  "sharing",
  ...SHARE_TROUBLES.map((trouble) => `share-${trouble}` as const),
  "somebody-came",
  "somebody-gone",
  "alone",
  "alone-nobody",
  "connecting",
  "unstable",
  "reconnecting",
  "room-full",
  "own-link-weak",
  "link-down",
  ...PEER_CONNECTIONS.map((connection) => `peer-${connection}` as const),
  ...PEER_CAMERAS.map((camera) => `peer-camera-${camera}` as const),
  "own-muted",
  "speaking-muted",
  "own-camera-off",
  "own-camera-gone",
  "own-microphone-gone",
  "audio-only",
  "text-only",
  "sound-refused",
  "participants",
  "participants-weak-link",
  "participants-group",
  "participants-practitioner",
  "settings",
  "ask-leave",
  "ask-leave-practitioner",
  "ask-finish",
  "ask-remove",
  "notice-payment_refunded",
  "notice-cancelled",
  "failed",
] as const;
export type RoomState = (typeof ROOM_STATES)[number];
