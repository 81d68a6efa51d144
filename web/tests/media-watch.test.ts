import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MediaWatch } from "../src/call/media-watch.ts";

describe("the watch over what arrives", () => {
  let arrivals = 0;
  let went: number | null = null;
  let told: string[] = [];
  let watch: MediaWatch;

  /** Lets time pass while something arrives every `every` ms; 0: nothing does. */
  async function pass(milliseconds: number, every: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      if (every && passed % every === 0) arrivals += 1;
      await vi.advanceTimersByTimeAsync(50);
    }
  }

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("document", { visibilityState: "visible" });
    arrivals = 1;
    went = null;
    told = [];
    watch = new MediaWatch(() => Promise.resolve({ came: arrivals, went }), {
      doubtful: () => told.push("doubtful"),
      silent: () => told.push("silent"),
      alive: () => told.push("alive"),
      unheard: () => told.push("unheard"),
    });
    watch.start();
  });

  afterEach(() => {
    watch.stop();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it("doubts, tells of silence in a call soon, once for each repair, and of life when it is back", async () => {
    await pass(3000, 50);
    expect(told).toEqual([]);
    await pass(700, 0);
    expect(told).toEqual(["doubtful"]);
    await pass(800, 0);
    expect(told).toEqual(["doubtful", "silent"]);
    await pass(2000, 0);
    expect(told).toEqual(["doubtful", "silent"]);
    await pass(1500, 0);
    expect(told).toEqual(["doubtful", "silent", "silent"]);
    await pass(1000, 50);
    expect(told).toEqual(["doubtful", "silent", "silent", "alive"]);
  });

  it("needs less silence after a sign of a changed network, and only for a while", async () => {
    await pass(2000, 50);
    watch.warn();
    await pass(2000, 50);
    expect(told).toEqual([]);
    await pass(700, 0);
    expect(told).toEqual(["doubtful", "silent"]);
    await pass(4000, 50);
    told = [];
    await pass(700, 0);
    expect(told).toEqual(["doubtful"]);
  });

  it("tells of silence at once when the sign comes late", async () => {
    await pass(2000, 50);
    await pass(600, 0);
    watch.warn();
    await pass(50, 0);
    expect(told).toContain("silent");
  });

  it("does not take a sign for silence where nobody sends", async () => {
    await pass(3000, 50);
    await pass(10_000, 2500);
    told = [];
    for (let signs = 0; signs < 10; signs += 1) {
      watch.warn();
      await pass(2500, 2500);
    }
    expect(told).toEqual([]);
  });

  it("knows whether anything has come since a moment", async () => {
    await pass(1000, 50);
    await pass(400, 0);
    const moment = performance.now();
    await pass(400, 0);
    expect(await watch.cameSince(moment)).toBe(false);
    arrivals += 1;
    await pass(50, 0);
    expect(await watch.cameSince(moment)).toBe(true);
  });

  it("learns that where nobody sends, an answer every few seconds is all there is", async () => {
    await pass(3000, 50);
    await pass(2500, 2500);
    told = [];
    await pass(20_000, 2500);
    expect(told.filter((each) => each === "silent").length).toBeLessThanOrEqual(1);
  });

  it("takes counting that begins anew for no arrival", async () => {
    await pass(2000, 50);
    arrivals = 0;
    await pass(1500, 0);
    expect(told).toEqual(["doubtful", "silent"]);
  });

  it("stands still while the page is hidden", async () => {
    await pass(1000, 50);
    vi.stubGlobal("document", { visibilityState: "hidden" });
    await pass(10_000, 0);
    expect(told).toEqual([]);
  });

  describe("when nothing of ours goes out", () => {
    beforeEach(async () => {
      went = 1000;
      await pass(1000, 50);
    });

    it("tells so while things come in, and ever more rarely if it does not help", async () => {
      await pass(6500, 50);
      expect(told).toEqual([]);
      await pass(1000, 50);
      expect(told).toEqual(["unheard"]);
      await pass(23_000, 50);
      expect(told).toEqual(["unheard"]);
      await pass(1500, 50);
      expect(told).toEqual(["unheard", "unheard"]);
    });

    it("knows nothing of a time in which the page itself stood still", async () => {
      const before = performance.now();
      const clock = vi.spyOn(performance, "now").mockImplementation(() => before + 20_000);
      await pass(200, 50);
      clock.mockRestore();
      expect(told).not.toContain("unheard");
    });

    it("is content with little", async () => {
      for (let time = 0; time < 10; time += 1) {
        went = (went ?? 0) + 60;
        await pass(1500, 50);
      }
      expect(told).toEqual([]);
    });

    it("says no more than that the way is silent when nothing comes in either", async () => {
      await pass(6000, 50);
      await pass(1800, 0);
      expect(told).toEqual(["doubtful", "silent"]);
    });

    it("does not mind when nothing has to go out", async () => {
      went = null;
      await pass(10_000, 50);
      expect(told).toEqual([]);
    });

    it("counts anew after a restart, a new beginning, and out of sight", async () => {
      await pass(6500, 50);
      watch.start();
      await pass(7500, 50);
      vi.stubGlobal("document", { visibilityState: "hidden" });
      await pass(10_000, 50);
      vi.stubGlobal("document", { visibilityState: "visible" });
      await pass(7500, 50);
      expect(told).toEqual([]);
    });
  });
});
