/** What the person chose in the settings. */
export type Quality = "auto" | "save" | "audio_only";

export const QUALITIES: readonly Quality[] = ["auto", "save", "audio_only"];

/** The encodings of one picture, smallest first. Their names go over the wire. */
export const LAYERS = ["l", "m", "h"] as const;
export type Layer = (typeof LAYERS)[number];

/** Of a picture that is sent in one size only, this is the size. */
export const WHOLE: Layer = "h";

export interface LayerLimits {
  /** Bits per second. */
  readonly maxBitrate: number;
  readonly maxFramerate: number;
  readonly scaleResolutionDownBy: number;
}

/** The encodings to be sent now; one that is not here is not sent. */
export type SentLayers = Partial<Record<Layer, LayerLimits>>;

interface PictureLimits {
  /** Of the camera's whole picture. */
  readonly size: PictureSize;
  /** Bits per second: of the whole picture that is asked for, of its half, of its quarter. */
  readonly bitrates: readonly [number, number, number];
  readonly maxFramerate: number;
}

const FULL: PictureLimits = {
  size: { width: 1280, height: 720 },
  bitrates: [1_500_000, 500_000, 150_000],
  maxFramerate: 30,
};

const SAVING: PictureLimits = {
  size: { width: 640, height: 360 },
  bitrates: [250_000, 120_000, 60_000],
  maxFramerate: 15,
};

/** Small writing must stay legible: the size is kept, and frames are given up. */
const SCREEN: LayerLimits = { maxBitrate: 2_000_000, maxFramerate: 15, scaleResolutionDownBy: 1 };

export function pictureLimits(quality: Quality): PictureLimits {
  return quality === "auto" ? FULL : SAVING;
}

/** What the camera is asked for. */
export function captureConstraints(quality: Quality): MediaTrackConstraints {
  const { size, maxFramerate } = pictureLimits(quality);
  const frameRate = { ideal: maxFramerate, max: maxFramerate };
  return { width: { ideal: size.width }, height: { ideal: size.height }, frameRate };
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Zeros: not known yet. */
export const UNKNOWN_SIZE: PictureSize = { width: 0, height: 0 };

/**
 * How many encodings a browser sends beside each other of a picture of this size. Chromium leaves the last ones out
 * when it is small, whatever their scale (libwebrtc, `kSimulcastFormats` in video/config/simulcast.cc).
 */
function mostLayers({ width, height }: PictureSize): number {
  const pixels = width * height;
  if (pixels === 0 || pixels >= 960 * 540) return 3;
  return pixels >= 480 * 270 ? 2 : 1;
}

/**
 * What to send of what the server wants: `h` is the whole picture, each one below it half as large. In the place of one
 * that is left out comes the next larger one; alone, each can be sent, and is no smaller than the smallest of several.
 */
export function cameraLayers(quality: Quality, wanted: readonly string[], size: PictureSize): SentLayers {
  const limits = pictureLimits(quality);
  // A camera that can't be asked for less (some phones) is scaled down before sending.
  const shrink = quality === "save" && size.height > 480 ? 2 : 1;
  const left = LAYERS.length - mostLayers(size);
  const wished = LAYERS.filter((layer) => wanted.includes(layer));
  const chosen = wished.length > 1 ? wished.map((layer) => LAYERS[Math.max(LAYERS.indexOf(layer), left)]) : wished;
  // The picture that comes is smaller than the one that was asked for.
  const smaller = quality === "auto" && wished.join() !== WHOLE ? left : 0;
  const sent = chosen.map((layer = WHOLE): [Layer, LayerLimits] => {
    const halvings = LAYERS.length - 1 - Math.max(LAYERS.indexOf(layer), left);
    return [
      layer,
      {
        maxBitrate: limits.bitrates[Math.min(halvings + smaller, 2)] as number,
        maxFramerate: limits.maxFramerate,
        scaleResolutionDownBy: 2 ** halvings * shrink,
      },
    ];
  });
  return Object.fromEntries(sent);
}

export function screenLayers(wanted: boolean): SentLayers {
  return wanted ? { [WHOLE]: SCREEN } : {};
}

/** What the screen's section is made with: on a narrow link frames are left out, while the size stays. */
export const SCREEN_ENCODINGS: LayeredEncoding[] = [{ scalabilityMode: "L1T3" }];

/** W3C webrtc-svc, section 4.2; browsers that do not know it pass it over. */
type LayeredEncoding = RTCRtpEncodingParameters & { readonly scalabilityMode?: string };

/**
 * What a new camera section is made with; more can't be added later, only switched on and off. The whole picture comes
 * first: Chromium tells what its down-link holds (REMB) through the first encoding, and nothing until that has sent.
 */
export function firstEncodings(quality: Quality): RTCRtpEncodingParameters[] {
  const all = cameraLayers(quality, LAYERS, UNKNOWN_SIZE);
  return [...LAYERS].reverse().map((rid) => ({ ...all[rid], rid, active: rid === WHOLE }));
}
