import type { DeviceState } from "../protocol/generated.ts";

export type DeviceKind = "microphone" | "camera";

/** Why a microphone or camera can't be used. */
export type DeviceTrouble = "refused" | "refused_by_system" | "missing" | "in_use" | "unsupported";

export type DeviceStatus =
  | { readonly kind: "idle" }
  | { readonly kind: "asking" }
  | { readonly kind: "on"; readonly track: MediaStreamTrack }
  /** A muted microphone keeps its track (disabled); a camera switched off has none, so its light is out. */
  | { readonly kind: "off"; readonly track: MediaStreamTrack | null }
  | { readonly kind: "trouble"; readonly trouble: DeviceTrouble };

/** What the others are told. */
export function toldState(status: DeviceStatus): DeviceState {
  if (status.kind === "on") return "on";
  if (status.kind !== "trouble") return "off";
  return status.trouble === "refused" || status.trouble === "refused_by_system" ? "blocked" : "missing";
}

/** Names the reason behind a rejected `getUserMedia` (Media Capture and Streams, section 10.3.1). */
export function troubleOf(error: unknown): DeviceTrouble {
  const name = error instanceof Error ? error.name : "";
  const message = error instanceof Error ? error.message.toLowerCase() : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return message.includes("system") ? "refused_by_system" : "refused";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "in_use";
    default:
      return "unsupported";
  }
}
