import { type Signal, signal } from "@preact/signals";
import { type DeviceKind, type DeviceStatus, troubleOf } from "./device-state.ts";
import { captureConstraints, pictureLimits, type Quality } from "./quality.ts";

type TrackListener = (kind: DeviceKind, track: MediaStreamTrack | null) => void;

const AUDIO: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: { ideal: 1 },
};

const INPUT: Record<DeviceKind, MediaDeviceKind> = { microphone: "audioinput", camera: "videoinput" };

/**
 * The person's own microphone and camera: asked for one after the other, so that a refused or missing camera
 * never costs the voice. Owns its tracks; `release` frees the devices.
 */
export class LocalMedia {
  readonly microphone: Signal<DeviceStatus> = signal({ kind: "idle" });
  readonly camera: Signal<DeviceStatus> = signal({ kind: "idle" });
  readonly devices: Signal<readonly MediaDeviceInfo[]> = signal([]);
  readonly chosen: Record<DeviceKind, Signal<string>> = { microphone: signal(""), camera: signal("") };
  /** The browser would not switch echo cancellation on: headphones are advised. */
  readonly echoRisk: Signal<boolean> = signal(false);

  private quality: Quality = "auto";
  private readonly listeners = new Set<TrackListener>();
  private readonly turn: Record<DeviceKind, number> = { microphone: 0, camera: 0 };

  constructor() {
    navigator.mediaDevices?.addEventListener?.("devicechange", this.devicesChanged);
  }

  track(kind: DeviceKind): MediaStreamTrack | null {
    const status = this[kind].peek();
    return status.kind === "on" || status.kind === "off" ? status.track : null;
  }

  onTrack(listener: TrackListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Whether the browser would hand out devices without asking the person. */
  async alreadyAllowed(): Promise<boolean> {
    try {
      const names = ["microphone", "camera"] as PermissionName[];
      const answers = await Promise.all(names.map((name) => navigator.permissions.query({ name })));
      return answers.every((answer) => answer.state === "granted");
    } catch {
      return false;
    }
  }

  async enableBoth(): Promise<void> {
    await this.enable("microphone");
    if (this.quality !== "audio_only") await this.enable("camera");
  }

  async enable(kind: DeviceKind): Promise<void> {
    const turn = ++this.turn[kind];
    const { quality } = this;
    if (this.track(kind) === null) this[kind].value = { kind: "asking" };
    try {
      const track = await this.capture(kind);
      if (turn !== this.turn[kind]) {
        track.stop();
        return;
      }
      this.adopt(kind, track);
      // Something else was chosen while the person was asked.
      if (kind === "camera" && quality !== this.quality) await this.fitCamera(this.quality);
    } catch (error) {
      if (turn !== this.turn[kind]) return;
      this.drop(kind, { kind: "trouble", trouble: troubleOf(error) });
    }
    await this.listDevices();
  }

  async choose(kind: DeviceKind, deviceId: string): Promise<void> {
    this.chosen[kind].value = deviceId;
    const muted = this[kind].peek().kind === "off";
    if (kind === "camera" && (muted || this.quality === "audio_only")) return;
    await this.enable(kind);
    if (muted) this.setMuted(true);
  }

  setMuted(muted: boolean): void {
    const track = this.track("microphone");
    if (!track) return;
    track.enabled = !muted;
    this.microphone.value = { kind: muted ? "off" : "on", track };
  }

  /** Only sound is left by it: what the camera sees is meant to be seen. */
  async setCameraOn(on: boolean): Promise<void> {
    if (on && this.quality === "audio_only") this.quality = "auto";
    if (on) return this.enable("camera");
    this.turn.camera += 1;
    this.drop("camera", { kind: "off", track: null });
  }

  async setQuality(quality: Quality): Promise<void> {
    const before = this.quality;
    this.quality = quality;
    if (quality === "audio_only") {
      const { kind } = this.camera.peek();
      if (kind === "on" || kind === "asking") await this.setCameraOn(false);
      return;
    }
    if (before === "audio_only" && mayWorkNow(this.camera.peek())) return this.setCameraOn(true);
    await this.fitCamera(quality);
  }

  /** After a phone's lock the system may have ended or frozen the camera: take it anew. */
  async reviveAfterLock(): Promise<void> {
    for (const kind of ["microphone", "camera"] as const) {
      const status = this[kind].peek();
      if (status.kind !== "on") continue;
      if (status.track.readyState === "ended" || status.track.muted) await this.enable(kind);
    }
  }

  release(): void {
    for (const kind of ["microphone", "camera"] as const) {
      this.turn[kind] += 1;
      this.drop(kind, { kind: "idle" });
    }
  }

  /** Chromium changes the picture's size on the way; where it stays too small (Firefox), the camera is asked anew. */
  private async fitCamera(quality: Quality): Promise<void> {
    const track = this.track("camera");
    if (!track) return;
    await track.applyConstraints(captureConstraints(quality)).catch(() => {});
    if (track !== this.track("camera") || !isSmaller(track, quality)) return;
    const turn = ++this.turn.camera;
    const fresh = await this.capture("camera").catch(() => null);
    if (turn === this.turn.camera && fresh) this.adopt("camera", fresh);
    else fresh?.stop();
  }

  private async capture(kind: DeviceKind): Promise<MediaStreamTrack> {
    const wanted = kind === "microphone" ? AUDIO : captureConstraints(this.quality);
    const key = kind === "microphone" ? "audio" : "video";
    const deviceId = this.chosen[kind].peek();
    try {
      return await this.firstTrack({ [key]: deviceId ? { ...wanted, deviceId: { exact: deviceId } } : wanted });
    } catch (error) {
      // The remembered device was unplugged: any other will do.
      if (!deviceId || !(error instanceof Error) || !/Overconstrained|NotFound/.test(error.name)) throw error;
      this.chosen[kind].value = "";
      return this.firstTrack({ [key]: wanted });
    }
  }

  private async firstTrack(constraints: MediaStreamConstraints): Promise<MediaStreamTrack> {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    const track = stream.getTracks()[0];
    if (!track) throw new DOMException("no track", "NotFoundError");
    return track;
  }

  private adopt(kind: DeviceKind, track: MediaStreamTrack): void {
    const before = this.track(kind);
    const stayMuted = kind === "microphone" && this.microphone.peek().kind === "off";
    track.addEventListener("ended", () => this.ended(kind, track));
    if (kind === "microphone") {
      track.enabled = !stayMuted;
      this.echoRisk.value = track.getSettings().echoCancellation === false;
    } else if ("contentHint" in track) {
      track.contentHint = "motion";
    }
    this[kind].value = { kind: stayMuted ? "off" : "on", track };
    this.tell(kind, track);
    before?.stop();
  }

  private drop(kind: DeviceKind, status: DeviceStatus): void {
    const before = this.track(kind);
    this[kind].value = status;
    if (before) this.tell(kind, null);
    before?.stop();
  }

  /** The device was unplugged or taken away: go on with another one if there is any. */
  private ended(kind: DeviceKind, track: MediaStreamTrack): void {
    if (this.track(kind) !== track) return;
    this.chosen[kind].value = "";
    void this.enable(kind);
  }

  private readonly devicesChanged = async (): Promise<void> => {
    await this.listDevices();
    for (const kind of ["microphone", "camera"] as const) {
      const status = this[kind].peek();
      const waiting = status.kind === "trouble" && (status.trouble === "missing" || status.trouble === "in_use");
      if (kind === "camera" && this.quality === "audio_only") continue;
      if (waiting && this.devices.peek().some((device) => device.kind === INPUT[kind])) await this.enable(kind);
    }
  };

  private async listDevices(): Promise<void> {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
    this.devices.value = devices.filter((device) => device.deviceId !== "");
  }

  private tell(kind: DeviceKind, track: MediaStreamTrack | null): void {
    for (const listener of [...this.listeners]) listener(kind, track);
  }
}

/** Whether it gives less than is asked for; phones held upright tell their sides the other way round. */
function isSmaller(track: MediaStreamTrack, quality: Quality): boolean {
  const { width = 0, height = 0 } = track.getSettings();
  const longer = Math.max(width, height);
  const able = track.getCapabilities?.().width?.max ?? Number.POSITIVE_INFINITY;
  return longer > 0 && longer < Math.min(able, pictureLimits(quality).size.width);
}

/** Meanwhile it may have been plugged in, or let go by another program. */
function mayWorkNow(camera: DeviceStatus): boolean {
  if (camera.kind === "trouble") return camera.trouble === "missing" || camera.trouble === "in_use";
  return camera.kind === "off";
}
