import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PictureSection } from "../src/call/media-connection.ts";
import { tileSize } from "../src/call/tile-size.ts";
import { pictureName, Viewing } from "../src/call/viewing.ts";
import type { Tile } from "../src/protocol/generated.ts";

const LARGE = { width: 1920, height: 1080 };
const SMALL = { width: 200, height: 150 };

describe("the size of a tile", () => {
  it("is told by what of a picture fits into it", () => {
    expect(tileSize(null)).toBe("none");
    expect(tileSize({ width: 0, height: 300 })).toBe("none");
    expect(tileSize(SMALL)).toBe("small");
    expect(tileSize({ width: 640, height: 400 })).toBe("medium");
    expect(tileSize(LARGE)).toBe("large");
    // High and narrow: the picture is as wide as the tile, and no higher than that allows.
    expect(tileSize({ width: 390, height: 1500 })).toBe("small");
  });

  it("does not flap at a border", () => {
    const [below, above] = [530, 550].map((height) => ({ width: 2000, height }));
    expect(tileSize(below ?? null)).toBe("medium");
    expect(tileSize(above ?? null, "medium")).toBe("medium");
    expect(tileSize(below ?? null, "large")).toBe("large");
    expect(tileSize(LARGE, "medium")).toBe("large");
    expect(tileSize(SMALL, "large")).toBe("small");
    expect(tileSize(null, "large")).toBe("none");
  });
});

describe("what the server is told of the page", () => {
  let sections: PictureSection[];
  let viewing: Viewing;
  const told = vi.fn<(tiles: readonly Tile[]) => Promise<void>>();

  beforeEach(() => {
    vi.useFakeTimers();
    told.mockReset().mockResolvedValue();
    sections = [
      { mid: "4", participant: "doctor", screen: false },
      { mid: "7", participant: "doctor", screen: true },
    ];
    viewing = new Viewing(() => sections, told);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function settled(): Promise<void> {
    await vi.advanceTimersByTimeAsync(300);
  }

  it("is each section's size, what is large, and that what is not drawn is not seen", async () => {
    viewing.draw("doctor", SMALL);
    viewing.setLarge("doctor");
    await settled();
    expect(told.mock.lastCall?.[0]).toEqual([
      { mid: "4", size: "small", main: true },
      { mid: "7", size: "none", main: false },
    ]);
    viewing.draw(pictureName("doctor", true), LARGE);
    await settled();
    expect(told.mock.lastCall?.[0]).toContainEqual({ mid: "7", size: "large", main: false });
  });

  it("comes once for many changes, and not again when nothing changed", async () => {
    for (const width of [300, 500, 900, 1600]) viewing.draw("doctor", { width, height: 900 });
    await settled();
    viewing.draw("doctor", { width: 1610, height: 900 });
    await settled();
    expect(told).toHaveBeenCalledTimes(1);
  });

  it("is nothing at all for a hidden page, and all again when it is seen", async () => {
    viewing.draw("doctor", LARGE);
    viewing.setWanted(false);
    await settled();
    expect(told.mock.lastCall?.[0].map(({ size }) => size)).toEqual(["none", "none"]);
    viewing.setWanted(true);
    await settled();
    expect(told.mock.lastCall?.[0][0]).toMatchObject({ mid: "4", size: "large" });
  });

  it("is told anew to a server that forgot it, or did not hear it", async () => {
    viewing.draw("doctor", LARGE);
    await settled();
    viewing.forgotten();
    await settled();
    expect(told).toHaveBeenCalledTimes(2);
    told.mockRejectedValueOnce(new Error("timeout"));
    viewing.draw("doctor", SMALL);
    await settled();
    expect(told).toHaveBeenCalledTimes(3);
    await vi.advanceTimersByTimeAsync(3000);
    expect(told).toHaveBeenCalledTimes(4);
    expect(told.mock.lastCall?.[0]).toEqual(told.mock.calls[2]?.[0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is not told of a page that shows nobody, nor after the end", async () => {
    sections = [];
    viewing.changed();
    await settled();
    viewing.stop();
    viewing.draw("doctor", LARGE);
    expect(vi.getTimerCount()).toBe(0);
    expect(told).not.toHaveBeenCalled();
  });
});
