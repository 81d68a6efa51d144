/** What the person chose in the settings. */
export type Quality = "auto" | "save" | "audio_only";

export const QUALITIES: readonly Quality[] = ["auto", "save", "audio_only"];

interface PictureLimits {
  readonly capture: MediaTrackConstraints;
  /** Bits per second. */
  readonly maxBitrate: number;
  readonly maxFramerate: number;
  readonly scaleResolutionDownBy: number;
}

const FULL: PictureLimits = {
  capture: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } },
  maxBitrate: 1_500_000,
  maxFramerate: 30,
  scaleResolutionDownBy: 1,
};

const SAVING: PictureLimits = {
  capture: { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15, max: 15 } },
  maxBitrate: 250_000,
  maxFramerate: 15,
  scaleResolutionDownBy: 1,
};

export function pictureLimits(quality: Quality): PictureLimits {
  return quality === "auto" ? FULL : SAVING;
}

/** Applies the choice to a picture that is being sent; browsers that know less ignore what they do not know. */
export async function limitSender(sender: RTCRtpSender, quality: Quality): Promise<void> {
  const limits = pictureLimits(quality);
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) return;
  for (const encoding of parameters.encodings) {
    encoding.maxBitrate = limits.maxBitrate;
    encoding.maxFramerate = limits.maxFramerate;
    // A camera that can't be asked for less (some phones) is scaled down before sending.
    encoding.scaleResolutionDownBy = tooTall(sender.track, quality) ? 2 : limits.scaleResolutionDownBy;
  }
  await sender.setParameters(parameters).catch(() => {});
}

function tooTall(track: MediaStreamTrack | null, quality: Quality): boolean {
  return quality === "save" && (track?.getSettings().height ?? 0) > 480;
}
