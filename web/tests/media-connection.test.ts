import { beforeEach, describe, expect, it } from "vitest";
import { MediaConnection, type RemoteMedia } from "../src/call/media-connection.ts";
import type { MediaAnswer, SessionDescription } from "../src/protocol/generated.ts";
import { FakeConnection, FakeTrack, playBrowser, settle } from "./fakes/browser.ts";

/** Own microphone and camera, and a pair for each of eight people. */
const MOST_SECTIONS = 2 + 2 * 8;

const connection = () => FakeConnection.all.at(-1) as FakeConnection;

function answerTo(offer: SessionDescription, change: Partial<MediaAnswer> = {}): MediaAnswer {
  return { description: { ...offer, sdp: `answer ${offer.number}` }, slots: [], missing_slots: 0, ...change };
}

describe("one media connection", () => {
  let people: ReadonlyMap<string, RemoteMedia>;
  let media: MediaConnection;
  const microphone = new FakeTrack("audio") as unknown as MediaStreamTrack;

  beforeEach(() => {
    playBrowser();
    people = new Map();
    media = new MediaConnection({ microphone, camera: null }, "auto", {
      transport: () => {},
      offerNeeded: () => {},
      remote: (now) => {
        people = now;
      },
    });
  });

  it("offers microphone and camera first, a missing camera too, then pairs to receive", () => {
    expect(connection().transceivers.map(({ kind, direction }) => `${kind} ${direction}`)).toEqual([
      "audio sendonly",
      "video sendonly",
      "audio recvonly",
      "video recvonly",
      "audio recvonly",
      "video recvonly",
    ]);
    expect(connection().transceivers[0]?.sender.track).toBe(microphone);
  });

  it("numbers its offers under one name and knows which was answered", async () => {
    const first = await media.makeOffer();
    await media.apply(answerTo(first));
    const second = await media.makeOffer();
    expect([first.number, second.number]).toEqual([1, 2]);
    expect(second.connection).toBe(first.connection);
    expect(media.answeredNumber).toBe(1);
    expect(media.hasUnansweredOffer).toBe(true);
  });

  it("ignores answers to older offers, to other connections, and those after its end", async () => {
    const first = await media.makeOffer();
    const second = await media.makeOffer();
    await media.apply(answerTo(first));
    await media.apply(answerTo({ ...second, connection: "another" }));
    expect(connection().answers).toEqual([]);
    media.close();
    await media.apply(answerTo(second));
    expect(connection().answers).toEqual([]);
  });

  it("makes one offer at a time, and one more for all wishes that came meanwhile", async () => {
    const waiting: { offer: SessionDescription; give: (answer: MediaAnswer) => void }[] = [];
    const send = (offer: SessionDescription) =>
      new Promise<MediaAnswer>((give) => {
        waiting.push({ offer, give });
      });
    const done = Promise.all([media.negotiate(send), media.negotiate(send), media.restartIce(send)]);
    await settle();
    expect(waiting).toHaveLength(1);
    waiting[0]?.give(answerTo(waiting[0].offer));
    await settle();
    expect(waiting).toHaveLength(2);
    waiting[1]?.give(answerTo(waiting[1].offer));
    await done;
    expect(connection().answers).toEqual(["answer 1", "answer 2"]);
  });

  it("offers more places when there are too few", async () => {
    const missing = [1, 0];
    await media.negotiate((offer) => Promise.resolve(answerTo(offer, { missing_slots: missing.shift() ?? 0 })));
    expect(connection().transceivers).toHaveLength(8);
    expect(connection().answers).toHaveLength(2);
  });

  it("offers no more places than a room can fill, however many wishes come before one answer", async () => {
    for (const missing of [1, 2, 3, 4, 5]) media.addSlots(missing);
    await media.negotiate((offer) => Promise.resolve(answerTo(offer)));
    expect(connection().transceivers).toHaveLength(MOST_SECTIONS);
  });

  it("does not offer again and again to a server that never has enough", async () => {
    let missing = 4;
    const send = (offer: SessionDescription) => {
      missing += 1;
      return Promise.resolve(answerTo(offer, { missing_slots: missing < 20 ? missing : 0 }));
    };
    await media.negotiate(send);
    expect(connection().transceivers).toHaveLength(MOST_SECTIONS);
    expect(connection().answers).toHaveLength(3);
    expect(media.addSlots(1)).toBe(false);
  });

  it("believes the newest word on who is where, also when it comes while an answer is being applied", async () => {
    const offer = await media.makeOffer();
    const applying = media.apply(answerTo(offer));
    media.assign([{ mid: "3", participant: "patient" }]);
    await applying;
    expect([...people.keys()]).toEqual(["patient"]);
  });

  it("gives each person sound and picture, in the same streams as long as they stay on the same sections", async () => {
    const slots = [
      { mid: "2", participant: "doctor" },
      { mid: "3", participant: "doctor" },
      { mid: "4", participant: null },
    ];
    const offer = await media.makeOffer();
    await media.apply(answerTo(offer, { slots }));
    const before = people.get("doctor");
    expect(before?.sound?.getTracks()[0]?.kind).toBe("audio");
    expect(before?.picture?.getTracks()[0]?.kind).toBe("video");
    media.assign(slots);
    expect(people.get("doctor")?.picture).toBe(before?.picture);
    media.assign([{ mid: "2", participant: "doctor" }]);
    expect(people.get("doctor")?.picture).toBeNull();
  });
});
