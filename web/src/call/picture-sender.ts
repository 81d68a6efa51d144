import { type Layer, type LayerLimits, type PictureSize, type SentLayers, UNKNOWN_SIZE, WHOLE } from "./quality.ts";

/**
 * Which encodings of one sent picture are on, and how large they may be. Wishes may come at any time (a choice in the
 * settings, the server's word, a new camera); they are applied one after the other, the newest last.
 */
export class PictureSender {
  private readonly section: RTCRtpTransceiver;
  private readonly degradation: RTCDegradationPreference | undefined;
  private offered: RTCRtpTransceiverDirection | null = null;
  private layers: SentLayers = {};
  private stale = false;
  private work: Promise<void> | null = null;

  constructor(section: RTCRtpTransceiver, degradation?: RTCDegradationPreference) {
    this.section = section;
    this.degradation = degradation;
  }

  private get sender(): RTCRtpSender {
    return this.section.sender;
  }

  get size(): PictureSize {
    const { width, height } = this.sender.track?.getSettings() ?? {};
    return width && height ? { width, height } : UNKNOWN_SIZE;
  }

  /** An offer is about to be made. */
  noteOffer(): void {
    this.offered = this.section.direction;
  }

  /** It began to send after the last offer was made. */
  get needsOffer(): boolean {
    return this.section.direction !== this.offered;
  }

  /** Whether an offer has to tell of it: with its first picture the section begins to send. */
  async replaceTrack(track: MediaStreamTrack | null): Promise<boolean> {
    await this.sender.replaceTrack(track);
    const begins = track !== null && this.section.direction === "inactive";
    if (begins) this.section.direction = "sendonly";
    return begins;
  }

  send(layers: SentLayers): Promise<void> {
    this.layers = layers;
    return this.refresh();
  }

  /** After an answer: encodings may have gone with it, and a change under way is refused by it. */
  refresh(): Promise<void> {
    this.stale = true;
    this.work ??= this.applyAll();
    return this.work;
  }

  private async applyAll(): Promise<void> {
    while (this.stale) {
      this.stale = false;
      await this.apply();
    }
    // At once, not when the promise is seen to be done: a wish in between would be forgotten.
    this.work = null;
  }

  private async apply(): Promise<void> {
    const parameters = this.sender.getParameters();
    if (!parameters.encodings?.length) return;
    if (this.degradation) parameters.degradationPreference = this.degradation;
    const named = parameters.encodings.some(({ rid }) => rid === WHOLE);
    parameters.encodings.forEach((encoding, index) => {
      const limits = named ? this.layers[encoding.rid as Layer] : this.alone(index);
      encoding.active = limits !== undefined;
      if (limits) limit(encoding, limits);
    });
    await this.sender.setParameters(parameters).catch(() => {});
  }

  /** A server without layers leaves some of the encodings (which, differs between browsers): the first is the picture. */
  private alone(index: number): LayerLimits | undefined {
    return index === 0 ? (this.layers.h ?? this.layers.m ?? this.layers.l) : undefined;
  }
}

function limit(encoding: RTCRtpEncodingParameters, limits: LayerLimits): void {
  encoding.maxBitrate = limits.maxBitrate;
  encoding.maxFramerate = limits.maxFramerate;
  encoding.scaleResolutionDownBy = limits.scaleResolutionDownBy;
}
