import type { Tile, TileSize } from "../protocol/generated.ts";
import type { PictureSection } from "./media-connection.ts";
import { type Shown, tileSize } from "./tile-size.ts";

/** Layouts settle before they are told: a turned phone or a dragged window passes through many sizes. */
const SETTLE_MILLISECONDS = 200;

/** After a telling that failed. */
const AGAIN_MILLISECONDS = 2000;

/** What the server supposes of a page that has said nothing: that it shows everything large. */
const NOTHING = "[]";

export type SendTiles = (tiles: readonly Tile[]) => Promise<unknown>;

/** The name under which a picture on the page is known: a participant's, or their screen's. */
export function pictureName(participant: string, screen = false): string {
  return screen ? `${participant} screen` : participant;
}

/**
 * Tells the server how large each picture stands on this page, so that nothing is sent that nobody can see. The page
 * tells what it draws, the connection which section carries it.
 */
export class Viewing {
  private readonly sections: () => readonly PictureSection[];
  private readonly send: SendTiles;
  private readonly shown = new Map<string, Shown>();
  private readonly sizes = new Map<string, TileSize>();
  private large: string | null = null;
  private wanted = true;
  private told = NOTHING;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sections: () => readonly PictureSection[], send: SendTiles) {
    this.sections = sections;
    this.send = send;
  }

  /** `shown` null: this picture is no longer on the page. */
  draw(name: string, shown: Shown | null): void {
    if (shown) this.shown.set(name, shown);
    else this.shown.delete(name);
    this.changed();
  }

  setLarge(name: string | null): void {
    this.large = name;
    this.changed();
  }

  /** False: no pictures at all (hidden page, «only sound»). */
  setWanted(wanted: boolean): void {
    this.wanted = wanted;
    this.changed();
  }

  /** The server may have forgotten what it was told: another connection, another server. */
  forgotten(): void {
    this.told = NOTHING;
    this.changed();
  }

  changed(): void {
    this.tellIn(SETTLE_MILLISECONDS);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private tellIn(milliseconds: number): void {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => this.tell(), milliseconds);
  }

  private tell(): void {
    const tiles = this.sections().map((section) => this.tile(section));
    const telling = JSON.stringify(tiles);
    if (telling === this.told) return;
    this.told = telling;
    this.send(tiles).catch(() => {
      // A newer wish is on its way already.
      if (this.told !== telling) return;
      this.told = NOTHING;
      this.tellIn(AGAIN_MILLISECONDS);
    });
  }

  private tile({ mid, participant, screen }: PictureSection): Tile {
    const name = pictureName(participant, screen);
    const size = tileSize(this.wanted ? (this.shown.get(name) ?? null) : null, this.sizes.get(name));
    this.sizes.set(name, size);
    return { mid, size, main: name === this.large };
  }
}
