/**
 * A clock that survives a video codec: black and white cells across the top of the picture carry the moment at which
 * it was drawn, who drew it, whether the flash is on, and a checksum. Cells of 40 × 40 pixels stay readable at low
 * bit rates and when the sender scales the picture down.
 */

export interface Stamp {
  /** When the picture was drawn: milliseconds since the epoch. */
  time: number;
  /** Which page's camera drew it, 0 to 7. */
  source: number;
  /** The picture is drawn during the beep. */
  flash: boolean;
}

export interface StampTools {
  draw: (context: CanvasRenderingContext2D, stamp: Stamp) => void;
  /** What the video shows just now; null when there is no readable stamp in it. */
  read: (video: HTMLVideoElement) => Stamp | null;
  /** The clock that pages of one machine share: milliseconds since the epoch. */
  now: () => number;
}

export interface Picture {
  width: number;
  height: number;
  columns: number;
  rows: number;
  cell: number;
}

export const PICTURE: Picture = { width: 640, height: 360, columns: 16, rows: 3, cell: 40 };

/** Runs in the page. */
export function installStamp(picture: Picture): void {
  const { columns, rows, cell, width, height } = picture;
  const cells = columns * rows;
  const timeBits = 32;
  const sourceBits = 3;
  const checkBits = cells - timeBits - sourceBits - 1;
  const sample = 4;
  const reading = new OffscreenCanvas(columns * sample, rows * sample);
  const pixels = reading.getContext("2d", { willReadFrequently: true });

  const number = (bits: boolean[], from: number, count: number): number =>
    bits.slice(from, from + count).reduce((sum, bit) => sum * 2 + (bit ? 1 : 0), 0);
  const bitsOf = (value: number, count: number): boolean[] =>
    Array.from({ length: count }, (_, index) => Math.floor(value / 2 ** (count - 1 - index)) % 2 === 1);
  const checksum = (bits: boolean[]): number => {
    let sum = 0x811c9dc5; // FNV-1a
    for (const bit of bits) {
      sum = Math.imul(sum ^ (bit ? 0x5b : 0xa4), 0x01000193);
    }
    return (sum >>> 0) % 2 ** checkBits;
  };

  const now = (): number => performance.timeOrigin + performance.now();

  const draw = (context: CanvasRenderingContext2D, stamp: Stamp): void => {
    const bits = [
      ...bitsOf(Math.floor(stamp.time) % 2 ** timeBits, timeBits),
      ...bitsOf(stamp.source, sourceBits),
      stamp.flash,
    ];
    bits.push(...bitsOf(checksum(bits), checkBits));
    for (const [index, bit] of bits.entries()) {
      context.fillStyle = bit ? "white" : "black";
      context.fillRect((index % columns) * cell, Math.floor(index / columns) * cell, cell, cell);
    }
  };

  const read = (video: HTMLVideoElement): Stamp | null => {
    if (!pixels || video.videoWidth === 0) {
      return null;
    }
    const scale = video.videoHeight / height;
    pixels.drawImage(
      video,
      0,
      0,
      Math.min(video.videoWidth, width * scale),
      rows * cell * scale,
      0,
      0,
      reading.width,
      reading.height,
    );
    const data = pixels.getImageData(0, 0, reading.width, reading.height).data;
    const bits = Array.from({ length: cells }, (_, index) => {
      const x = (index % columns) * sample + sample / 2;
      const y = Math.floor(index / columns) * sample + sample / 2;
      return (data[(y * reading.width + x) * 4 + 1] ?? 0) > 127;
    });
    const said = bits.slice(0, cells - checkBits);
    if (number(bits, cells - checkBits, checkBits) !== checksum(said)) {
      return null;
    }
    const turn = 2 ** timeBits;
    const today = Math.floor(now() / turn) * turn;
    const time = today + number(said, 0, timeBits);
    return {
      time: time - now() > turn / 2 ? time - turn : time,
      source: number(said, timeBits, sourceBits),
      flash: said[timeBits + sourceBits] === true,
    };
  };

  window.stamp = { draw, read, now };
}

declare global {
  interface Window {
    stamp: StampTools;
  }
}
