import type { TileSize } from "../protocol/generated.ts";

/** A picture as it stands on the page, in the screen's own pixels. */
export interface Shown {
  readonly width: number;
  readonly height: number;
}

/** Height of a 16:9 picture above which the next larger layer is worth its bits: half as much again as it has. */
const MEDIUM_ABOVE = 270;
const LARGE_ABOVE = 540;
/** A picture that is a little beyond a border keeps its size, so that nothing flaps. */
const SLACK = 0.12;

const ORDER: readonly TileSize[] = ["none", "small", "medium", "large"];

/** `before`: what it was until now. */
export function tileSize(shown: Shown | null, before: TileSize = "none"): TileSize {
  if (!shown || shown.width < 1 || shown.height < 1) return "none";
  const height = Math.min(shown.height, (shown.width * 9) / 16);
  const [least, most] = [sizeAt(height * (1 - SLACK)), sizeAt(height * (1 + SLACK))];
  if (
    before !== "none" &&
    ORDER.indexOf(before) >= ORDER.indexOf(least) &&
    ORDER.indexOf(before) <= ORDER.indexOf(most)
  )
    return before;
  return sizeAt(height);
}

function sizeAt(height: number): TileSize {
  if (height > LARGE_ABOVE) return "large";
  return height > MEDIUM_ABOVE ? "medium" : "small";
}
