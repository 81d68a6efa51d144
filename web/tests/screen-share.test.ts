import { beforeEach, describe, expect, it, vi } from "vitest";
import { canShareScreen, ScreenShare } from "../src/call/screen-share.ts";
import { RequestError } from "../src/signal/errors.ts";
import { type FakeDevices, type FakeTrack, playBrowser, settle } from "./fakes/browser.ts";

const ME = "me";

describe("the own shared screen", () => {
  let devices: FakeDevices;
  let share: ScreenShare;
  const deeds = { ask: vi.fn(), tellStopped: vi.fn(), send: vi.fn() };
  const state = () => share.state.value;
  const screen = () => devices.given.at(-1) as FakeTrack;

  beforeEach(() => {
    ({ devices } = playBrowser());
    deeds.ask.mockReset().mockResolvedValue({});
    deeds.tellStopped.mockReset().mockResolvedValue({});
    deeds.send.mockReset();
    share = new ScreenShare(deeds);
  });

  async function sharing(): Promise<void> {
    await share.start(false);
    share.hear(ME, ME);
    expect(state()).toMatchObject({ kind: "sharing", seen: true });
  }

  it("is offered only where the browser can", () => {
    expect(canShareScreen()).toBe(true);
    vi.stubGlobal("navigator", { mediaDevices: {} });
    expect(canShareScreen()).toBe(false);
  });

  it("is sent once the server agrees, and keeps small writing legible", async () => {
    await sharing();
    expect(deeds.send.mock.calls).toEqual([[screen()]]);
    expect(screen().contentHint).toBe("detail");
    expect(share.track).toBe(screen());
  });

  it("ends by the button: nothing is sent, the browser's own bar goes, the room is told", async () => {
    await sharing();
    share.stop();
    expect(state()).toEqual({ kind: "idle", trouble: null });
    expect(deeds.send).toHaveBeenLastCalledWith(null);
    expect(screen().readyState).toBe("ended");
    expect(deeds.tellStopped).toHaveBeenCalledTimes(1);
  });

  it("ends by the browser's own button", async () => {
    await sharing();
    screen().vanish();
    expect(state()).toEqual({ kind: "idle", trouble: null });
    expect(deeds.tellStopped).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["stopped", null],
    ["taken_over", "doctor"],
  ] as const)("is %s by somebody else: told in words, and to nobody again", async (trouble, sharer) => {
    await sharing();
    share.hear(sharer, ME);
    expect(state()).toEqual({ kind: "idle", trouble });
    expect(screen().readyState).toBe("ended");
    expect(deeds.tellStopped).not.toHaveBeenCalled();
    share.understood();
    expect(state()).toEqual({ kind: "idle", trouble: null });
  });

  it("is known to be stopped also when the room named us before the answer came", async () => {
    deeds.ask.mockImplementation(async () => {
      share.hear("doctor", ME);
      share.hear(ME, ME);
    });
    await share.start(false);
    expect(state().kind).toBe("sharing");
    share.hear(null, ME);
    expect(state()).toEqual({ kind: "idle", trouble: "stopped" });
  });

  it("is not taken for stopped by news that are older than it", async () => {
    await share.start(false);
    share.hear(null, ME);
    expect(state().kind).toBe("sharing");
  });

  it("waits for somebody else to finish, without asking the browser", async () => {
    await share.start(true);
    expect(state()).toEqual({ kind: "idle", trouble: "in_use" });
    expect(devices.asked).toEqual([]);
  });

  it.each([
    ["nobody shows one any more", null, null],
    ["somebody else shows one by now", "interpreter", "in_use"],
  ] as const)("no longer says to wait once %s", async (_, sharer, trouble) => {
    await share.start(true);
    share.hear("doctor", ME);
    expect(state()).toEqual({ kind: "idle", trouble: "in_use" });
    share.hear(sharer, ME);
    expect(state()).toEqual({ kind: "idle", trouble });
  });

  it("no longer says who took over once that screen has ended, but who stopped it stays told", async () => {
    await sharing();
    share.hear("doctor", ME);
    expect(state()).toEqual({ kind: "idle", trouble: "taken_over" });
    share.hear(null, ME);
    expect(state()).toEqual({ kind: "idle", trouble: null });
    await sharing();
    share.hear(null, ME);
    share.hear(null, ME);
    expect(state()).toEqual({ kind: "idle", trouble: "stopped" });
  });

  it("is given back when somebody else was quicker", async () => {
    deeds.ask.mockRejectedValue(new RequestError("screen_in_use"));
    await share.start(false);
    expect(state()).toEqual({ kind: "idle", trouble: "in_use" });
    expect(screen().readyState).toBe("ended");
    expect(deeds.send).not.toHaveBeenCalled();
  });

  it.each([
    ["NotAllowedError", null],
    ["NotFoundError", "nothing_to_share"],
    ["NotReadableError", "refused_by_system"],
    ["TypeError", "failed"],
  ] as const)("that the browser does not give (%s) is told as %s", async (name, trouble) => {
    devices.refusal.video = name;
    await share.start(false);
    expect(state()).toEqual({ kind: "idle", trouble });
  });

  it("chosen after the stay has ended is freed at once", async () => {
    let give = (): void => {};
    devices.answer = new Promise((resolve) => {
      give = resolve;
    });
    const starting = share.start(false);
    share.release();
    give();
    await starting;
    await settle();
    expect(screen().readyState).toBe("ended");
    expect(deeds.ask).not.toHaveBeenCalled();
  });

  describe("after a lost link", () => {
    it("goes on when the room still knows of it", async () => {
      await sharing();
      await share.renew(ME, ME);
      expect(deeds.ask).toHaveBeenCalledTimes(1);
      expect(state().kind).toBe("sharing");
    });

    it("goes on with the same track when the server forgot, also when the link is lost once more", async () => {
      await sharing();
      deeds.ask.mockRejectedValueOnce(new RequestError("disconnected"));
      await share.renew(null, ME);
      await share.renew(null, ME);
      expect(deeds.ask).toHaveBeenCalledTimes(3);
      expect(share.track).toBe(screen());
      expect(screen().readyState).toBe("live");
    });

    it("gives way when somebody else shares by now", async () => {
      await sharing();
      await share.renew("doctor", ME);
      expect(state()).toEqual({ kind: "idle", trouble: "taken_over" });
    });

    it("of a page that was loaded anew ends at the server, too", async () => {
      await share.renew(ME, ME);
      expect(deeds.tellStopped).toHaveBeenCalledTimes(1);
    });
  });
});
