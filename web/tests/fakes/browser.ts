import { vi } from "vitest";

/** The browser's side of media, played by hand: what the client asks for is recorded, what it hears the test decides. */

let made = 0;

interface FakeSize {
  readonly width?: number;
  readonly height?: number;
}

interface WantedSize {
  readonly width?: { readonly ideal: number };
  readonly height?: { readonly ideal: number };
}

export class FakeTrack extends EventTarget {
  readonly id = `track-${++made}`;
  readonly kind: "audio" | "video";
  readonly deviceId: string;
  enabled = true;
  muted = false;
  contentHint = "";
  readyState: "live" | "ended" = "live";
  /** Its size changes on the way, as in Chromium; else it stays as it was asked for at first, as in Firefox. */
  resizes = true;
  private size: FakeSize = {};

  constructor(kind: "audio" | "video", deviceId = "") {
    super();
    this.kind = kind;
    this.deviceId = deviceId;
  }
  resize({ width, height }: WantedSize): void {
    if (width?.ideal && height?.ideal) this.size = { width: width.ideal, height: height.ideal };
  }
  stop(): void {
    this.readyState = "ended";
  }
  /** The device was pulled out. */
  vanish(): void {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
  getSettings(): object {
    return { deviceId: this.deviceId, echoCancellation: true, ...this.size };
  }
  applyConstraints(wanted: WantedSize): Promise<void> {
    if (this.resizes) this.resize(wanted);
    return Promise.resolve();
  }
}

export class FakeStream {
  readonly id = `stream-${++made}`;
  private readonly tracks: FakeTrack[];
  constructor(tracks: FakeTrack[] = []) {
    this.tracks = tracks;
  }
  getTracks(): FakeTrack[] {
    return this.tracks;
  }
  getVideoTracks(): FakeTrack[] {
    return this.tracks.filter(({ kind }) => kind === "video");
  }
}

export class FakeSender {
  track: FakeTrack | null;
  parameters: { encodings: Record<string, unknown>[]; degradationPreference?: string };
  /** Set to hold the next change back. */
  applying: Promise<void> = Promise.resolve();
  constructor(track: FakeTrack | null, encodings: Record<string, unknown>[] = []) {
    this.track = track;
    this.parameters = { encodings: encodings.length > 0 ? encodings : [{}] };
  }
  replaceTrack(track: FakeTrack | null): Promise<void> {
    this.track = track;
    return Promise.resolve();
  }
  getParameters(): FakeSender["parameters"] {
    return structuredClone(this.parameters);
  }
  async setParameters(parameters: FakeSender["parameters"]): Promise<void> {
    await this.applying;
    this.parameters = parameters;
  }
}

interface FakeInit {
  readonly direction: string;
  readonly sendEncodings?: Record<string, unknown>[];
}

class FakeTransceiver {
  mid: string | null = null;
  readonly kind: "audio" | "video";
  direction: string;
  readonly sender: FakeSender;
  readonly receiver: { track: FakeTrack };
  constructor(source: FakeTrack | "audio" | "video", init: FakeInit) {
    this.kind = typeof source === "string" ? source : source.kind;
    this.direction = init.direction;
    this.sender = new FakeSender(typeof source === "string" ? null : source, init.sendEncodings);
    this.receiver = { track: new FakeTrack(this.kind) };
  }
  setCodecPreferences(): void {}
}

export class FakeConnection extends EventTarget {
  static all: FakeConnection[] = [];
  static refusesEncodings = false;
  readonly transceivers: FakeTransceiver[] = [];
  readonly answers: string[] = [];
  offers = 0;
  restarts = 0;
  closed = false;
  connectionState = "new";
  iceConnectionState = "new";
  arrived = 0;
  /** Browsers tell it always; a page that plays none needs none. */
  sent: number | undefined;
  configuration: RTCConfiguration;

  constructor(configuration: RTCConfiguration) {
    super();
    this.configuration = configuration;
    FakeConnection.all.push(this);
  }
  addTransceiver(source: FakeTrack | "audio" | "video", init: FakeInit): FakeTransceiver {
    if (init.sendEncodings && FakeConnection.refusesEncodings) throw new TypeError("one at a time");
    const transceiver = new FakeTransceiver(source, init);
    this.transceivers.push(transceiver);
    return transceiver;
  }
  getTransceivers(): FakeTransceiver[] {
    return this.transceivers;
  }
  createOffer(): Promise<{ type: "offer"; sdp: string }> {
    this.offers += 1;
    return Promise.resolve({ type: "offer", sdp: this.text() });
  }
  private text(): string {
    const sections = this.transceivers.map(({ kind }, index) => `m=${kind} 9\r\na=mid:${index}\r\na=rtcp-mux\r\n`);
    return `o=offer ${this.offers}\r\n${sections.join("")}`;
  }
  setLocalDescription(): Promise<void> {
    this.transceivers.forEach((one, index) => {
      one.mid ??= String(index);
    });
    return Promise.resolve();
  }
  setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    this.answers.push(sdp);
    return Promise.resolve();
  }
  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }
  restartIce(): void {
    this.restarts += 1;
  }
  getStats(): Promise<Map<string, object>> {
    return Promise.resolve(
      new Map([["pair", { type: "candidate-pair", bytesReceived: this.arrived, bytesSent: this.sent }]]),
    );
  }
  close(): void {
    this.closed = true;
  }
  become(state: "connecting" | "connected" | "disconnected" | "failed"): void {
    this.iceConnectionState = state;
    this.connectionState = state === "disconnected" ? "connected" : state;
    this.dispatchEvent(new Event("iceconnectionstatechange"));
  }
}

export class FakeDevices extends EventTarget {
  present: { kind: MediaDeviceKind; deviceId: string; label: string }[] = [
    { kind: "audioinput", deviceId: "microphone-1", label: "" },
    { kind: "videoinput", deviceId: "camera-1", label: "" },
  ];
  readonly asked: ("audio" | "video")[] = [];
  readonly given: FakeTrack[] = [];
  /** Whether given cameras can change the size of their picture. */
  resizing = true;
  /** What the person or the system answers. */
  refusal: Partial<Record<"audio" | "video", string>> = {};
  /** Set to hold the answer back, as a person does who has not pressed anything yet. */
  answer: Promise<void> = Promise.resolve();

  async getUserMedia(constraints: Record<string, WantedSize & { deviceId?: { exact: string } }>): Promise<FakeStream> {
    const kind = constraints.audio ? "audio" : "video";
    this.asked.push(kind);
    await this.answer;
    const name = this.refusal[kind];
    if (name) throw new DOMException("no", name);
    const wanted = constraints[kind]?.deviceId?.exact;
    const device = this.present.find((one) => one.kind === `${kind}input` && (!wanted || one.deviceId === wanted));
    if (!device) throw new DOMException("no", wanted ? "OverconstrainedError" : "NotFoundError");
    const track = new FakeTrack(kind, device.deviceId);
    track.resizes = this.resizing;
    track.resize(constraints[kind] ?? {});
    this.given.push(track);
    return new FakeStream([track]);
  }
  async getDisplayMedia(): Promise<FakeStream> {
    this.asked.push("video");
    await this.answer;
    if (this.refusal.video) throw Object.assign(new Error("no"), { name: this.refusal.video });
    const track = new FakeTrack("video", "screen");
    this.given.push(track);
    return new FakeStream([track]);
  }
  enumerateDevices(): Promise<FakeDevices["present"]> {
    return Promise.resolve(this.present);
  }
}

class FakeFrame extends EventTarget {
  hidden = false;
  title = "";
  contentWindow: { RTCPeerConnection: typeof FakeConnection } | null = null;
  remove: () => void = () => {};
}

export class Browser {
  readonly devices = new FakeDevices();
  readonly window = new EventTarget();
  /** Frames that are in the document. */
  readonly frames = new Set<object>();
  frameConnection: typeof FakeConnection = FakeConnection;
  framesLoadAtOnce = true;

  /** `document.body.append`. */
  show(frame: FakeFrame): void {
    this.frames.add(frame);
    frame.remove = () => this.frames.delete(frame);
    frame.contentWindow = { RTCPeerConnection: this.frameConnection };
    if (this.framesLoadAtOnce) frame.dispatchEvent(new Event("load"));
  }
}

export function playBrowser(): Browser {
  const browser = new Browser();
  const body = { append: (frame: FakeFrame) => browser.show(frame) };
  const document = { visibilityState: "visible", body, createElement: () => new FakeFrame() };
  FakeConnection.all = [];
  FakeConnection.refusesEncodings = false;
  vi.stubGlobal("navigator", { mediaDevices: browser.devices, userAgent: "test", onLine: true });
  vi.stubGlobal("window", browser.window);
  vi.stubGlobal("document", Object.assign(new EventTarget(), document));
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
  vi.stubGlobal("RTCRtpReceiver", {});
  vi.stubGlobal("RTCRtpSender", {});
  vi.stubGlobal("MediaStream", FakeStream);
  return browser;
}

/** Lets everything that is ready happen, without letting time pass. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}
