import type { MediaAnswer, MediaWanted, SessionDescription, SlotView } from "../protocol/generated.ts";
import { newId } from "../signal/ids.ts";
import { forgetsEncodings } from "./browser.ts";
import type { DeviceKind } from "./device-state.ts";
import type { Traffic } from "./media-watch.ts";
import { type MediaWay, selectedWay } from "./media-way.ts";
import type { FramedConnection } from "./own-frame.ts";
import { PictureSender } from "./picture-sender.ts";
import { cameraLayers, firstEncodings, type Quality, SCREEN_ENCODINGS, screenLayers, WHOLE } from "./quality.ts";
import { markSlides } from "./slides.ts";
import { SoundSender } from "./sound-sender.ts";

interface PairReport {
  readonly type: string;
  readonly bytesReceived?: number;
  readonly responsesReceived?: number;
  readonly bytesSent?: number;
}

/** What comes from one other person; the streams stay the same objects while the sections carry that person. */
export interface RemoteMedia {
  readonly sound: MediaStream | null;
  readonly picture: MediaStream | null;
  readonly screen: MediaStream | null;
}

export const NOTHING_REMOTE: RemoteMedia = { sound: null, picture: null, screen: null };

export type OwnTracks = Readonly<Record<DeviceKind | "screen", MediaStreamTrack | null>>;

/** A receive-only section with pictures, and whose picture or screen it carries just now. */
export interface PictureSection {
  readonly mid: string;
  readonly participant: string;
  readonly screen: boolean;
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
/** Places of own screen and of the others' among the sections, which are never taken away. */
const SLIDES: ReadonlySet<number> = new Set([2, 3 + 2 * FIRST_SLOTS]);

/**
 * One RTCPeerConnection life. We offer, numbered; the server answers. Sections: own microphone, own camera, own screen,
 * then receive-only ones, reused for whoever is in the room: pairs of sound and picture (slots), and one for a shared
 * screen.
 */
export class MediaConnection {
  readonly name = newId();
  private readonly connection: RTCPeerConnection;
  private readonly release: () => void;
  private readonly events: MediaConnectionEvents;
  private readonly microphone: SoundSender;
  private readonly camera: PictureSender;
  private readonly screen: PictureSender;
  private readonly screenSlot: RTCRtpTransceiver;
  private readonly streams = new Map<MediaStreamTrack, MediaStream>();
  private localSet: Promise<void> = Promise.resolve();
  private slots: readonly SlotView[] = [];
  private quality: Quality;
  /** Until the server says otherwise, the whole camera picture and no screen. */
  private wanted: readonly string[] = [WHOLE];
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
    tracks: OwnTracks,
    quality: Quality,
    events: MediaConnectionEvents,
    make: MakeConnection = connectionOfThisPage,
  ) {
    this.events = events;
    this.quality = quality;
    const { connection, release } = make({ bundlePolicy: BUNDLE });
    this.connection = connection;
    this.release = release;
    this.connection.addEventListener("connectionstatechange", () => this.tellTransport());
    this.connection.addEventListener("iceconnectionstatechange", () => this.tellTransport());
    this.microphone = new SoundSender(
      this.connection.addTransceiver(tracks.microphone ?? "audio", { direction: "sendonly" }),
    );
    this.camera = new PictureSender(this.sendPicture(tracks.camera, firstEncodings(quality)));
    this.screen = new PictureSender(this.sendPicture(tracks.screen, SCREEN_ENCODINGS), "maintain-resolution");
    this.addSlots(FIRST_SLOTS);
    this.screenSlot = this.receivePicture();
    void this.sendCamera();
    void this.screen.send(screenLayers(false));
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
    this.camera.noteOffer();
    this.screen.noteOffer();
    const offer = await this.connection.createOffer();
    this.offered += 1;
    this.localSet = this.connection.setLocalDescription(offer);
    // A failure is met by `apply`, which waits for it.
    this.localSet.catch(() => {});
    return { connection: this.name, number: this.offered, sdp: markSlides(offer.sdp ?? "", SLIDES) };
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
    void this.camera.refresh();
    void this.screen.refresh();
    // Meanwhile nobody may have been there to make another offer.
    if (this.camera.needsOffer || this.screen.needsOffer) this.events.offerNeeded();
  }

  /** Makes a further offer, one at a time; a wish that comes meanwhile is met by one more offer afterwards. */
  negotiate(send: SendOffer): Promise<void> {
    this.offerAgain = true;
    this.negotiation ??= this.negotiateAll(send);
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
      this.receivePicture();
    }
    return this.places > before;
  }

  /** Which participant is on which section. */
  assign(slots: readonly SlotView[]): void {
    this.slots = slots;
    const people = new Map<string, RemoteMedia>();
    for (const { mid, participant } of slots) {
      const track = this.connection.getTransceivers().find((one) => one.mid === mid)?.receiver.track;
      if (!participant || !track) continue;
      const known = people.get(participant) ?? NOTHING_REMOTE;
      people.set(participant, { ...known, [this.partOn(mid, track)]: this.streamOf(track) });
    }
    this.events.remote(people);
  }

  /** The sections whose pictures are somebody's just now. */
  pictureSections(): readonly PictureSection[] {
    return this.slots.flatMap(({ mid, participant }) => {
      const track = this.connection.getTransceivers().find((one) => one.mid === mid)?.receiver.track;
      if (!participant || !track || track.kind !== "video") return [];
      return [{ mid, participant, screen: mid === this.screenSlot.mid }];
    });
  }

  async replace(kind: DeviceKind | "screen", track: MediaStreamTrack | null): Promise<void> {
    if (this.closed) return;
    if (kind === "microphone") return this.microphone.replaceTrack(track);
    const begins = await this[kind].replaceTrack(track);
    if (kind === "camera" && track) await this.sendCamera();
    if (begins && !this.retired) this.events.offerNeeded();
  }

  async limit(quality: Quality): Promise<void> {
    this.quality = quality;
    if (!this.closed) await this.sendCamera();
  }

  /** The server's word on which of our encodings are watched. */
  async obey(wanted: MediaWanted): Promise<void> {
    if (this.closed || wanted.connection !== this.name) return;
    this.wanted = wanted.camera;
    await Promise.all([this.sendCamera(), this.screen.send(screenLayers(wanted.screen))]);
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

  /** Bytes and checks that came in so far, and bytes that went out: when either stands still, something is broken. */
  async traffic(): Promise<Traffic> {
    let came = 0;
    let went: number | null = null;
    const report = await this.connection.getStats();
    report.forEach((entry: PairReport) => {
      if (entry.type !== "candidate-pair") return;
      came += (entry.bytesReceived ?? 0) + (entry.responsesReceived ?? 0);
      if (entry.bytesSent !== undefined && this.microphone.sends) went = (went ?? 0) + entry.bytesSent;
    });
    if (!this.retired && !this.closed && this.microphone.needsOffer(report)) this.events.offerNeeded();
    return { came, went };
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
    try {
      while (this.offerAgain && !this.retired) {
        this.offerAgain = false;
        const offer = await this.makeOffer();
        if (this.retired) return;
        const answer = await send(offer);
        await this.apply(answer);
        if (this.addSlots(answer.missing_slots)) this.offerAgain = true;
      }
    } finally {
      // At once, not when the promise is seen to be done: a wish in between would be forgotten.
      this.negotiation = null;
    }
  }

  private sendPicture(track: MediaStreamTrack | null, sendEncodings: RTCRtpEncodingParameters[]): RTCRtpTransceiver {
    const section = addPicture(this.connection, track, sendEncodings);
    preferCodecs(section);
    return section;
  }

  private receivePicture(): RTCRtpTransceiver {
    const section = this.connection.addTransceiver("video", { direction: "recvonly" });
    preferCodecs(section);
    return section;
  }

  private sendCamera(): Promise<void> {
    return this.camera.send(cameraLayers(this.quality, this.wanted, this.camera.size));
  }

  private partOn(mid: string, track: MediaStreamTrack): keyof RemoteMedia {
    if (track.kind === "audio") return "sound";
    return mid === this.screenSlot.mid ? "screen" : "picture";
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

/**
 * A section that never had a picture is inactive: browsers tell what their down-link holds (REMB) through the first
 * section that may send pictures, and nothing at all until that one has sent one. Where several encodings would not
 * outlive that, they go before. A browser that sends no encodings beside each other is asked for one.
 */
function addPicture(
  connection: RTCPeerConnection,
  track: MediaStreamTrack | null,
  sendEncodings: RTCRtpEncodingParameters[],
): RTCRtpTransceiver {
  const waits = track === null && !(sendEncodings.length > 1 && forgetsEncodings(navigator.userAgent));
  const direction = waits ? "inactive" : "sendonly";
  try {
    return connection.addTransceiver(track ?? "video", { direction, sendEncodings });
  } catch {
    return connection.addTransceiver(track ?? "video", { direction });
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
