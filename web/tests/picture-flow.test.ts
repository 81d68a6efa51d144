import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Flow, watchFlow } from "../src/ui/parts/picture-flow.ts";

class FakeVideo extends EventTarget {
  readyState = 0;
  seen = true;
  private frame: (() => void) | null = null;

  checkVisibility(): boolean {
    return this.seen;
  }

  show(): void {
    this.readyState = 2;
    this.dispatchEvent(new Event("loadeddata"));
    const { frame } = this;
    this.frame = null;
    frame?.();
  }

  get isWatched(): boolean {
    return this.frame !== null;
  }

  requestVideoFrameCallback(frame: () => void): number {
    this.frame = frame;
    return 1;
  }

  cancelVideoFrameCallback(): void {
    this.frame = null;
  }
}

/** A browser that does not tell of frames. */
class OldVideo extends EventTarget {
  readyState = 2;
}

describe("how a picture comes", () => {
  let flows: Flow[];
  let video: FakeVideo;
  const page = { hidden: false };
  const watch = (one: EventTarget) => watchFlow(one as HTMLVideoElement, (flow) => flows.push(flow));

  beforeEach(() => {
    vi.useFakeTimers();
    page.hidden = false;
    vi.stubGlobal("document", page);
    flows = [];
    video = new FakeVideo();
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function pass(seconds: number, frames = false): void {
    for (let tenth = 0; tenth < 10 * seconds; tenth += 1) {
      vi.advanceTimersByTime(100);
      if (frames) video.show();
    }
  }

  it("is awaited, then overdue, then goes on", () => {
    watch(video);
    expect(flows).toEqual(["coming"]);
    pass(5);
    video.show();
    pass(10, true);
    expect(flows).toEqual(["coming", "overdue", "going"]);
  });

  it("is still when no new frame has come for a while, until the next one", () => {
    watch(video);
    pass(1, true);
    pass(5);
    video.show();
    expect(flows).toEqual(["coming", "going", "still", "going"]);
  });

  it("goes on at once when there was a frame before", () => {
    video.readyState = 2;
    watch(video);
    expect(flows).toEqual(["going"]);
  });

  it("is not judged while nobody can see it, and has a while then", () => {
    watch(video);
    pass(1, true);
    page.hidden = true;
    pass(10);
    page.hidden = false;
    video.seen = false;
    pass(10);
    video.seen = true;
    pass(2);
    expect(flows).toEqual(["coming", "going"]);
    pass(3);
    expect(flows.at(-1)).toBe("still");
  });

  it("is not judged for a time in which the page itself stood still", () => {
    watch(video);
    pass(1, true);
    const before = performance.now();
    vi.spyOn(performance, "now").mockImplementation(() => before + 20_000);
    vi.advanceTimersByTime(1000);
    expect(flows).toEqual(["coming", "going"]);
    vi.restoreAllMocks();
  });

  it("is never still for a browser that does not tell of frames", () => {
    watch(new OldVideo());
    pass(10);
    expect(flows).toEqual(["going"]);
  });

  it("leaves nothing behind", () => {
    const stop = watch(video);
    pass(1, true);
    stop();
    pass(10);
    video.dispatchEvent(new Event("loadeddata"));
    expect([flows, video.isWatched, vi.getTimerCount()]).toEqual([["coming", "going"], false, 0]);
  });
});
