/** The share of lost sound from which on it is sent doubly. */
const LOSSY = 0.03;
/** So many reports in a row: one of them may be of a moment. */
const LOSSY_REPORTS = 3;

interface RemoteReport {
  readonly type: string;
  readonly kind?: string;
  readonly timestamp: number;
  readonly fractionLost?: number;
}

/**
 * The microphone's section. Where sound gets lost on the way to anybody (the server reports the worst), it is sent
 * doubly from then on: each packet carries the one before, too (RED, RFC 2198). Browsers send what is first in the
 * answer, and the server answers in our order: so that takes one more offer. It stays so for the connection's life.
 */
export class SoundSender {
  private readonly section: RTCRtpTransceiver;
  private readonly codecs: RTCRtpCodec[];
  private lossy = 0;
  private reported = 0;
  private doubled = false;

  constructor(section: RTCRtpTransceiver) {
    this.section = section;
    this.codecs = RTCRtpSender.getCapabilities?.("audio")?.codecs ?? [];
    this.prioritise();
  }

  /** Packets leave all the time, fewer when it is silent or switched off; none while the system keeps the microphone. */
  get sends(): boolean {
    const { track } = this.section.sender;
    return track?.readyState === "live" && !track.muted;
  }

  replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    return this.section.sender.replaceTrack(track);
  }

  /** To be shown the connection's statistics now and then. True, once: make an offer, it asks for doubled sound. */
  needsOffer(report: RTCStatsReport): boolean {
    report.forEach((entry: RemoteReport) => {
      if (entry.type === "remote-inbound-rtp" && entry.kind === "audio") this.hear(entry);
    });
    if (this.doubled || this.lossy < LOSSY_REPORTS) return false;
    this.doubled = true;
    return this.preferDoubled();
  }

  private hear({ timestamp, fractionLost }: RemoteReport): void {
    if (timestamp === this.reported) return;
    this.reported = timestamp;
    this.lossy = (fractionLost ?? 0) >= LOSSY ? this.lossy + 1 : 0;
  }

  private preferDoubled(): boolean {
    const doubled = this.codecs.filter(({ mimeType }) => mimeType.toLowerCase() === "audio/red");
    if (doubled.length === 0) return false;
    try {
      this.section.setCodecPreferences([...doubled, ...this.codecs.filter((codec) => !doubled.includes(codec))]);
      return true;
    } catch {
      return false;
    }
  }

  private prioritise(): void {
    const { sender } = this.section;
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return;
    for (const encoding of parameters.encodings) {
      encoding.priority = "high";
      encoding.networkPriority = "high";
    }
    sender.setParameters(parameters).catch(() => {});
  }
}
