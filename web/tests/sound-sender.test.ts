import { beforeEach, describe, expect, it, vi } from "vitest";
import { SoundSender } from "../src/call/sound-sender.ts";
import { FakeSender, type FakeTrack } from "./fakes/browser.ts";

const OPUS = { mimeType: "audio/opus" };
const RED = { mimeType: "audio/red" };
const OTHER = { mimeType: "audio/PCMU" };

let second = 0;

function report(fractionLost: number, timestamp = ++second): RTCStatsReport {
  const entries = [
    { type: "remote-inbound-rtp", kind: "video", timestamp, fractionLost: 1 },
    { type: "remote-inbound-rtp", kind: "audio", timestamp, fractionLost },
    { type: "inbound-rtp", kind: "audio", timestamp, fractionLost: 1 },
  ];
  return new Map(entries.map((entry, index) => [String(index), entry])) as unknown as RTCStatsReport;
}

describe("sound that gets lost", () => {
  let order: object[] | null;
  let sound: SoundSender;

  function begin(codecs: object[]): void {
    vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs }) });
    const section = {
      sender: new FakeSender(null),
      setCodecPreferences: (wanted: object[]) => {
        order = wanted;
      },
    };
    sound = new SoundSender(section as unknown as RTCRtpTransceiver);
  }

  beforeEach(() => {
    order = null;
    begin([OPUS, RED, OTHER]);
  });

  it("is sent doubly after some reports in a row, with one more offer", () => {
    const asked = [0, 0.05, 0.04, 0.03, 0.2, 0.2, 0, 0.3].map((lost) => sound.needsOffer(report(lost)));
    expect(asked).toEqual([false, false, false, true, false, false, false, false]);
    expect(order).toEqual([RED, OPUS, OTHER]);
  });

  it("is not changed by a moment of loss, by little of it, or by one report seen again and again", () => {
    const moments = [0.3, 0.3, 0, 0.3, 0.02, 0.02, 0.02, 0.02, 0.3];
    expect(moments.some((lost) => sound.needsOffer(report(lost)))).toBe(false);
    sound.needsOffer(report(0));
    expect([1, 1, 1, 1].some(() => sound.needsOffer(report(0.5, 1_000_000)))).toBe(false);
    expect(order).toBeNull();
  });

  it("stays as it is where the browser can't double it", () => {
    begin([OPUS, OTHER]);
    expect([0.5, 0.5, 0.5, 0.5].some((lost) => sound.needsOffer(report(lost)))).toBe(false);
    expect(order).toBeNull();
  });

  it("leaves all the time while the microphone is ours", () => {
    const sends = (track: object | null) => {
      const section = { sender: new FakeSender(track as FakeTrack | null) };
      return new SoundSender(section as unknown as RTCRtpTransceiver).sends;
    };
    const live = { readyState: "live", muted: false, enabled: false };
    expect([sends(live), sends({ ...live, muted: true })]).toEqual([true, false]);
    expect([sends({ ...live, readyState: "ended" }), sends(null)]).toEqual([false, false]);
  });
});
