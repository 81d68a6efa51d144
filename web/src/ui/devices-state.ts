import { looksInApp, thisBrowser } from "../call/browser.ts";
import type { DeviceKind } from "../call/device-state.ts";
import type { LobbyControl } from "../call/lobby.ts";
import type { LocalMedia } from "../call/local-media.ts";
import type { DeviceActions, DevicesView } from "./devices-view.ts";
import type { DeviceChoice } from "./parts/device-picker.tsx";

/** The person's devices as the screens show them; read inside a computed signal. */
export function devicesView(local: LocalMedia): DevicesView {
  return {
    microphone: local.microphone.value,
    camera: local.camera.value,
    choices: { microphone: choices(local, "audioinput"), camera: choices(local, "videoinput") },
    chosen: { microphone: chosen(local, "microphone"), camera: chosen(local, "camera") },
    echoRisk: local.echoRisk.value,
    fitness: thisBrowser(),
    inApp: looksInApp(navigator.userAgent),
  };
}

export function deviceActions(control: LobbyControl): DeviceActions {
  return {
    enable: () => void control.prepare(),
    retry: (kind) => void control.local.enable(kind),
    choose: (kind, id) => void control.local.choose(kind, id),
  };
}

function choices(local: LocalMedia, kind: MediaDeviceKind): DeviceChoice[] {
  return local.devices.value
    .filter((device) => device.kind === kind)
    .map((device) => ({ id: device.deviceId, label: device.label }));
}

function chosen(local: LocalMedia, kind: DeviceKind): string {
  const status = local[kind].value;
  const inUse = status.kind === "on" || status.kind === "off" ? status.track?.getSettings().deviceId : undefined;
  return inUse ?? local.chosen[kind].value;
}
