import { describe, expect, it } from "vitest";
import { cameraLayers, firstEncodings, type Quality, UNKNOWN_SIZE } from "../src/call/quality.ts";

const BOTH = ["l", "h"];

function sent(width: number, height: number, wanted: readonly string[], quality: Quality = "auto"): object {
  const layers = cameraLayers(quality, wanted, { width, height });
  return Object.fromEntries(
    Object.entries(layers).map(([layer, { scaleResolutionDownBy, maxBitrate }]) => [
      layer,
      `${width / scaleResolutionDownBy}×${height / scaleResolutionDownBy} ${maxBitrate / 1000}`,
    ]),
  );
}

describe("the sizes in which a camera is sent", () => {
  it("are a quarter, half and all of a large picture", () => {
    expect(sent(1280, 720, ["l", "m", "h"])).toEqual({ l: "320×180 150", m: "640×360 500", h: "1280×720 1500" });
    expect(sent(1280, 720, BOTH)).toEqual({ l: "320×180 150", h: "1280×720 1500" });
    expect(sent(1280, 720, [])).toEqual({});
  });

  it("end with the smallest that a browser does not leave out", () => {
    expect(sent(640, 360, BOTH)).toEqual({ m: "320×180 150", h: "640×360 500" });
    expect(sent(640, 480, ["l", "m", "h"])).toEqual({ m: "320×240 150", h: "640×480 500" });
    expect(sent(640, 360, ["m", "h"])).toEqual({ m: "320×180 150", h: "640×360 500" });
    expect(sent(320, 240, BOTH)).toEqual({ h: "320×240 150" });
  });

  it("are the whole picture for one who looks, however small it is", () => {
    expect(sent(640, 360, ["h"])).toEqual({ h: "640×360 1500" });
    expect(sent(320, 240, ["h"])).toEqual({ h: "320×240 1500" });
    expect(sent(640, 360, ["l"])).toEqual({ l: "320×180 150" });
    expect(sent(320, 240, ["l"])).toEqual({ l: "320×240 150" });
  });

  it("cost less when data is saved, also with a camera that can't be asked for less", () => {
    expect(sent(640, 360, BOTH, "save")).toEqual({ m: "320×180 120", h: "640×360 250" });
    expect(sent(1280, 720, BOTH, "save")).toEqual({ l: "160×90 60", h: "640×360 250" });
  });

  it("are named from the beginning, the whole one switched on", () => {
    const [high, middle, low] = firstEncodings("auto");
    expect([low?.active, middle?.active, high?.active]).toEqual([false, false, true]);
    expect(low).toMatchObject({ rid: "l", scaleResolutionDownBy: 4 });
    expect(cameraLayers("auto", BOTH, UNKNOWN_SIZE).l?.scaleResolutionDownBy).toBe(4);
  });
});
