/** What the person chose in the settings. */
export type Quality = "auto" | "save" | "audio_only";

export const QUALITIES: readonly Quality[] = ["auto", "save", "audio_only"];

/** The encodings of one picture, smallest first: a quarter of its size, half, all. Their names go over the wire. */
export const LAYERS = ["l", "m", "h"] as const;
export type Layer = (typeof LAYERS)[number];

/** Of a picture that is sent in one size only, this is the size. */
export const WHOLE: Layer = "h";

const SCALES: Record<Layer, number> = { l: 4, m: 2, h: 1 };

export interface LayerLimits {
  /** Bits per second. */
  readonly maxBitrate: number;
  readonly maxFramerate: number;
  readonly scaleResolutionDownBy: number;
}

/** The encodings to be sent now; one that is not here is not sent. */
export type SentLayers = Partial<Record<Layer, LayerLimits>>;

interface PictureLimits {
  readonly capture: MediaTrackConstraints;
  /** Bits per second. */
  readonly bitrates: Record<Layer, number>;
  readonly maxFramerate: number;
}

const FULL: PictureLimits = {
  capture: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } },
  bitrates: { l: 150_000, m: 500_000, h: 1_500_000 },
  maxFramerate: 30,
};

const SAVING: PictureLimits = {
  capture: { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15, max: 15 } },
  bitrates: { l: 60_000, m: 120_000, h: 250_000 },
  maxFramerate: 15,
};

/** Small writing must stay legible: the size is kept, and frames are given up. */
const SCREEN: LayerLimits = { maxBitrate: 2_000_000, maxFramerate: 15, scaleResolutionDownBy: 1 };

export function pictureLimits(quality: Quality): PictureLimits {
  return quality === "auto" ? FULL : SAVING;
}

/** `height`: of the camera's picture, in pixels. */
export function cameraLayers(quality: Quality, wanted: readonly string[], height: number): SentLayers {
  const limits = pictureLimits(quality);
  // A camera that can't be asked for less (some phones) is scaled down before sending.
  const shrink = quality === "save" && height > 480 ? 2 : 1;
  const sent = LAYERS.filter((layer) => wanted.includes(layer)).map((layer): [Layer, LayerLimits] => [
    layer,
    {
      maxBitrate: limits.bitrates[layer],
      maxFramerate: limits.maxFramerate,
      scaleResolutionDownBy: SCALES[layer] * shrink,
    },
  ]);
  return Object.fromEntries(sent);
}

export function screenLayers(wanted: boolean): SentLayers {
  return wanted ? { [WHOLE]: SCREEN } : {};
}

/** What the screen's section is made with: on a narrow link frames are left out, while the size stays. */
export const SCREEN_ENCODINGS: LayeredEncoding[] = [{ scalabilityMode: "L1T3" }];

/** W3C webrtc-svc, section 4.2; browsers that do not know it pass it over. */
type LayeredEncoding = RTCRtpEncodingParameters & { readonly scalabilityMode?: string };

/** What a new camera section is made with; more can't be added later, only switched on and off. */
export function firstEncodings(quality: Quality): RTCRtpEncodingParameters[] {
  const all = cameraLayers(quality, LAYERS, 0);
  return LAYERS.map((rid) => ({ ...all[rid], rid, active: rid === WHOLE }));
}
