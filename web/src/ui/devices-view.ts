import type { BrowserFitness } from "../call/browser.ts";
import type { DeviceKind, DeviceStatus, DeviceTrouble } from "../call/device-state.ts";
import type { DeviceChoice } from "./parts/device-picker.tsx";

/** What the screens need to know of the person's own devices. */
export interface DevicesView {
  readonly microphone: DeviceStatus;
  readonly camera: DeviceStatus;
  readonly choices: Readonly<Record<DeviceKind, readonly DeviceChoice[]>>;
  readonly chosen: Readonly<Record<DeviceKind, string>>;
  readonly echoRisk: boolean;
  readonly fitness: BrowserFitness;
  readonly inApp: boolean;
  /** A still level for pictures of the screen; measured when absent. */
  readonly fixedLevel?: number;
}

export interface DeviceActions {
  readonly enable: () => void;
  readonly retry: (kind: DeviceKind) => void;
  readonly choose: (kind: DeviceKind, id: string) => void;
}

/** Every trouble that has a picture of what to press. */
export const SHOWN_TROUBLES = [
  "refused",
  "refused_by_system",
  "missing",
  "in_use",
  "unsupported",
  "in_app",
  "insecure",
] as const satisfies readonly (DeviceTrouble | "in_app" | "insecure")[];
export type ShownTrouble = (typeof SHOWN_TROUBLES)[number];

export interface NamedTrouble {
  readonly kind: DeviceKind | "both";
  readonly trouble: ShownTrouble;
}

/** The troubles to show, one when both devices share it. */
export function troublesOf(view: DevicesView): readonly NamedTrouble[] {
  if (view.fitness !== "fit") return [{ kind: "both", trouble: view.fitness }];
  const found = (["microphone", "camera"] as const).flatMap((kind): NamedTrouble[] => {
    const status = view[kind];
    if (status.kind !== "trouble") return [];
    const trouble = status.trouble === "refused" && view.inApp ? "in_app" : status.trouble;
    return [{ kind, trouble }];
  });
  const [first, second] = found;
  if (first && second && first.trouble === second.trouble) return [{ kind: "both", trouble: first.trouble }];
  return found;
}

export function devicesStarted(view: DevicesView): boolean {
  return view.microphone.kind !== "idle" || view.camera.kind !== "idle";
}

export function isAsking(view: DevicesView): boolean {
  return view.microphone.kind === "asking" || view.camera.kind === "asking";
}

export function trackOf(status: DeviceStatus): MediaStreamTrack | null {
  return status.kind === "on" ? status.track : null;
}
