import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connectionInOwnFrame } from "../src/call/own-frame.ts";
import { type Browser, FakeConnection, playBrowser } from "./fakes/browser.ts";

describe("a connection in a frame of its own", () => {
  let browser: Browser;

  beforeEach(() => {
    browser = playBrowser();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("is the frame's, and the frame goes with it", () => {
    class Framed extends FakeConnection {}
    browser.frameConnection = Framed;
    const { connection, release } = connectionInOwnFrame({});
    expect(connection).toBeInstanceOf(Framed);
    expect(browser.frames.size).toBe(1);
    release();
    expect(browser.frames.size).toBe(0);
  });

  it("is the page's where an empty frame is loaded later", () => {
    browser.framesLoadAtOnce = false;
    const { connection, release } = connectionInOwnFrame({});
    expect(connection).toBeInstanceOf(FakeConnection);
    expect(browser.frames.size).toBe(0);
    release();
  });
});
