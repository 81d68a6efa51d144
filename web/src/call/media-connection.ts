import type { MediaAnswer, SessionDescription, SlotView } from "../protocol/generated.ts";
import { newId } from "../signal/ids.ts";
import type { DeviceKind } from "./device-state.ts";
import { type MediaWay, selectedWay } from "./media-way.ts";
import type { FramedConnection } from "./own-frame.ts";
import { limitSender, type Quality } from "./quality.ts";
import { SoundSender } from "./sound-sender.ts";

/** One other person's sound and picture; the streams stay the same objects while the sections carry that person. */
export interface RemoteMedia {
  readonly sound: MediaStream | null;
  readonly picture: MediaStream | null;
}

export type TransportState = "connecting" | "connected" | "disturbed" | "failed";

export interface MediaConnectionEvents {
  readonly transport: (state: TransportState) => void;
  readonly remote: (people: ReadonlyMap<string, RemoteMedia>) => void;
  /** A further offer would change what is sent. */
  readonly offerNeeded: () => void;
}

export type MakeConnection = (configuration: RTCConfiguration) => FramedConnection;

export type SendOffer = (offer: SessionDescription) => Promise<MediaAnswer>;

const BUNDLE = "max-bundle";
const FIRST_SLOTS = 2;
/** A room has at most eight people with sound or picture, and the server takes no endless offers. */
const MOST_SLOTS = 8;

/**
 * One RTCPeerConnection life. We offer, numbered; the server answers. Sections: own microphone, own camera, then
 * pairs of receive-only sound and picture (slots), reused for whoever is in the room.
 */
export class MediaConnection {
  readonly name = newId();
  private readonly connection: RTCPeerConnection;
  private readonly release: () => void;
  private readonly events: MediaConnectionEvents;
  private readonly own: Record<DeviceKind, RTCRtpSender>;
  private readonly sound: SoundSender;
  private readonly streams = new Map<MediaStreamTrack, MediaStream>();
  private localSet: Promise<void> = Promise.resolve();
  private slots: readonly SlotView[] = [];
  /** How many slots were ever added. */
  private places = 0;
  private offered = 0;
  private answered = 0;
  private negotiation: Promise<void> | null = null;
  private offerAgain = false;
  private retired = false;
  private closed = false;
  private relays: readonly RTCIceServer[] = [];

  constructor(
    tracks: Record<DeviceKind, MediaStreamTrack | null>,
    quality: Quality,
    events: MediaConnectionEvents,
    make: MakeConnection = connectionOfThisPage,
  ) {
    this.events = events;
    const { connection, release } = make({ bundlePolicy: BUNDLE });
    this.connection = connection;
    this.release = release;
    this.connection.addEventListener("connectionstatechange", () => this.tellTransport());
    this.connection.addEventListener("iceconnectionstatechange", () => this.tellTransport());
    const microphone = this.connection.addTransceiver(tracks.microphone ?? "audio", { direction: "sendonly" });
    this.sound = new SoundSender(microphone);
    const camera = this.connection.addTransceiver(tracks.camera ?? "video", { direction: "sendonly" });
    preferCodecs(camera);
    this.own = { microphone: microphone.sender, camera: camera.sender };
    this.addSlots(FIRST_SLOTS);
    void limitSender(camera.sender, quality);
  }

  /** The number of the last offer whose answer was applied. */
  get answeredNumber(): number {
    return this.answered;
  }

  get hasUnansweredOffer(): boolean {
    return this.offered > this.answered;
  }

  /** Nothing waits for gathering: the server is ICE-lite and learns our address from our first check. */
  async makeOffer(): Promise<SessionDescription> {
    const offer = await this.connection.createOffer();
    this.offered += 1;
    this.localSet = this.connection.setLocalDescription(offer);
    // A failure is met by `apply`, which waits for it.
    this.localSet.catch(() => {});
    return { connection: this.name, number: this.offered, sdp: offer.sdp ?? "" };
  }

  async apply(answer: MediaAnswer): Promise<void> {
    const { connection, number, sdp } = answer.description;
    if (this.closed || connection !== this.name || number !== this.offered) return;
    // Noted on arrival: somebody may be given a slot while the browser still works on the answer.
    this.slots = answer.slots;
    await this.localSet;
    await this.connection.setRemoteDescription({ type: "answer", sdp });
    this.answered = number;
    this.assign(this.slots);
  }

  /** Makes a further offer, one at a time; a wish that comes meanwhile is met by one more offer afterwards. */
  negotiate(send: SendOffer): Promise<void> {
    this.offerAgain = true;
    this.negotiation ??= this.negotiateAll(send).finally(() => {
      this.negotiation = null;
    });
    return this.negotiation;
  }

  /** Another connection takes over: an offer of this one would make the server drop that. */
  retire(): void {
    this.retired = true;
  }

  restartIce(send: SendOffer): Promise<void> {
    if (this.retired) return Promise.resolve();
    this.connection.restartIce();
    return this.negotiate(send);
  }

  /**
   * Several wishes may come before one answer, so more may be added than are missing: they stay free for whoever comes.
   * False: there are as many as can be, and nothing is worth a further offer.
   */
  addSlots(count: number): boolean {
    const before = this.places;
    for (; this.places < Math.min(before + count, MOST_SLOTS); this.places += 1) {
      this.connection.addTransceiver("audio", { direction: "recvonly" });
      preferCodecs(this.connection.addTransceiver("video", { direction: "recvonly" }));
    }
    return this.places > before;
  }

  /** The receive-only sections, as the server named them. */
  get receivedSections(): readonly string[] {
    return this.slots.map(({ mid }) => mid);
  }

  /** Which participant is on which section. */
  assign(slots: readonly SlotView[]): void {
    this.slots = slots;
    const people = new Map<string, RemoteMedia>();
    for (const { mid, participant } of slots) {
      const track = this.connection.getTransceivers().find((one) => one.mid === mid)?.receiver.track;
      if (!participant || !track) continue;
      const known = people.get(participant) ?? { sound: null, picture: null };
      const stream = this.streamOf(track);
      people.set(participant, track.kind === "audio" ? { ...known, sound: stream } : { ...known, picture: stream });
    }
    this.events.remote(people);
  }

  async replace(kind: DeviceKind, track: MediaStreamTrack | null, quality: Quality): Promise<void> {
    if (this.closed) return;
    await this.own[kind].replaceTrack(track);
    if (kind === "camera" && track) await limitSender(this.own.camera, quality);
  }

  async limit(quality: Quality): Promise<void> {
    if (!this.closed) await limitSender(this.own.camera, quality);
  }

  /** For the next gathering: a restart, or the first one if it has not begun. False when nothing is new. */
  useRelays(relays: readonly RTCIceServer[]): boolean {
    if (this.closed || relays === this.relays) return false;
    this.relays = relays;
    this.connection.setConfiguration({ bundlePolicy: BUNDLE, iceServers: [...relays] });
    return true;
  }

  /** The way in use; null while there is none. */
  async way(): Promise<MediaWay | null> {
    return selectedWay(await this.connection.getStats());
  }

  /** Bytes and checks that came in so far; when it stands still, the way to the server is broken. */
  async arrivals(): Promise<number> {
    let sum = 0;
    const report = await this.connection.getStats();
    report.forEach((entry: { type: string; bytesReceived?: number; responsesReceived?: number }) => {
      if (entry.type === "candidate-pair") sum += (entry.bytesReceived ?? 0) + (entry.responsesReceived ?? 0);
    });
    if (!this.retired && !this.closed && this.sound.needsOffer(report)) this.events.offerNeeded();
    return sum;
  }

  get transport(): TransportState {
    const { iceConnectionState, connectionState } = this.connection;
    if (connectionState === "failed" || iceConnectionState === "failed") return "failed";
    if (iceConnectionState === "disconnected") return "disturbed";
    return connectionState === "connected" ? "connected" : "connecting";
  }

  close(): void {
    this.closed = this.retired = true;
    this.connection.close();
    this.release();
  }

  private async negotiateAll(send: SendOffer): Promise<void> {
    while (this.offerAgain && !this.retired) {
      this.offerAgain = false;
      const offer = await this.makeOffer();
      if (this.retired) return;
      const answer = await send(offer);
      await this.apply(answer);
      if (this.addSlots(answer.missing_slots)) this.offerAgain = true;
    }
  }

  private streamOf(track: MediaStreamTrack): MediaStream {
    const stream = this.streams.get(track) ?? new MediaStream([track]);
    this.streams.set(track, stream);
    return stream;
  }

  private tellTransport(): void {
    if (!this.closed) this.events.transport(this.transport);
  }
}

function connectionOfThisPage(configuration: RTCConfiguration): FramedConnection {
  return { connection: new RTCPeerConnection(configuration), release: () => {} };
}

/** VP8 first, and only what the rooms speak, so that the offer stays small. */
function preferCodecs(transceiver: RTCRtpTransceiver): void {
  const known = RTCRtpReceiver.getCapabilities?.("video")?.codecs ?? [];
  const order = ["video/vp8", "video/h264", "video/rtx"];
  const wanted = order.flatMap((type) => known.filter((codec) => codec.mimeType.toLowerCase() === type));
  try {
    if (wanted.length > 0) transceiver.setCodecPreferences(wanted);
  } catch {
    // An order that this browser does not take leaves its own order standing.
  }
}
