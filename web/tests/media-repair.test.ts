import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MediaRepair, type WayCondition } from "../src/call/media-repair.ts";
import { settle } from "./fakes/browser.ts";

describe("the repair of the way to the media server", () => {
  let linked = true;
  let condition: WayCondition = "silent";
  let done: string[] = [];
  let answer: () => void = () => {};
  let repair: MediaRepair;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("navigator", { onLine: true });
    linked = true;
    condition = "silent";
    done = [];
    repair = new MediaRepair({
      linked: () => linked,
      restart: () => {
        done.push("restart");
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
      replace: () => done.push("replace"),
      condition: () => Promise.resolve(condition),
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  async function answered(after: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(after);
    answer();
    await settle();
  }

  it("gives a disturbed way time to recover by itself", async () => {
    repair.disturbed();
    await vi.advanceTimersByTimeAsync(900);
    repair.whole();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(done).toEqual([]);
    repair.disturbed();
    await vi.advanceTimersByTimeAsync(1100);
    expect(done).toEqual(["restart"]);
  });

  it("makes everything anew soon when the answer is there and nothing comes", async () => {
    repair.broken();
    await answered(50);
    await vi.advanceTimersByTimeAsync(300);
    expect([done, repair.state]).toEqual([["restart", "replace"], "replacing"]);
    repair.whole();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives a restart more time where answers take long", async () => {
    repair.broken();
    await answered(800);
    await vi.advanceTimersByTimeAsync(1500);
    expect(done).toEqual(["restart"]);
    await vi.advanceTimersByTimeAsync(300);
    expect(done).toEqual(["restart", "replace"]);
  });

  it("is content when the restart helped", async () => {
    repair.broken();
    condition = "whole";
    await answered(50);
    await vi.advanceTimersByTimeAsync(300);
    expect([done, repair.state]).toEqual([["restart"], "whole"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives ICE the rest of the time when something comes", async () => {
    repair.broken();
    condition = "alive";
    await answered(50);
    await vi.advanceTimersByTimeAsync(5000);
    expect(done).toEqual(["restart"]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(done).toEqual(["restart", "replace"]);
  });

  it("has one deadline for all restarts in a row, also when nobody answers", async () => {
    for (let second = 0; second < 6; second += 1) {
      repair.broken();
      await vi.advanceTimersByTimeAsync(999);
    }
    expect(done.filter((each) => each === "replace")).toEqual([]);
    await vi.advanceTimersByTimeAsync(10);
    expect(done.at(-1)).toBe("replace");
  });

  it("lets nothing disturb a new connection but its own deadline", async () => {
    repair.replace();
    repair.broken();
    repair.disturbed();
    await vi.advanceTimersByTimeAsync(5900);
    expect(done).toEqual(["replace"]);
    await vi.advanceTimersByTimeAsync(200);
    expect(done).toEqual(["replace", "replace"]);
  });

  it("asks a server that refuses it ever more rarely, and soon again after it was whole", async () => {
    const pauses: number[] = [];
    for (let refusal = 0; refusal < 12; refusal += 1) {
      const asked = done.length;
      repair.refused(true);
      let waited = 0;
      for (; done.length === asked; waited += 50) await vi.advanceTimersByTimeAsync(50);
      pauses.push(waited);
    }
    expect(pauses.slice(0, 3)).toEqual([50, 750, 1150]);
    expect(pauses.slice(-2)).toEqual([15_000, 15_000]);
    repair.whole();
    repair.refused(false);
    await vi.advanceTimersByTimeAsync(500);
    expect(done).toHaveLength(13);
  });

  it("asks for nothing without a link, and offers again when it is back", async () => {
    linked = false;
    repair.broken();
    repair.replace();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([done, repair.state]).toEqual([[], "waiting"]);
    linked = true;
    repair.offerAgain();
    expect(done).toEqual(["restart"]);
  });

  it("waits while the browser knows of no network", async () => {
    vi.stubGlobal("navigator", { onLine: false });
    repair.broken();
    await answered(50);
    await vi.advanceTimersByTimeAsync(1000);
    expect([done, repair.state]).toEqual([["restart"], "waiting"]);
    repair.online();
    expect(done).toEqual(["restart", "replace"]);
  });

  it("takes news of a network for nothing when all is well", () => {
    repair.online();
    expect(done).toEqual([]);
  });
});
