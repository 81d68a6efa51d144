import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MediaConnection, type RemoteMedia } from "../src/call/media-connection.ts";
import type { MediaAnswer, SessionDescription } from "../src/protocol/generated.ts";
import { FakeConnection, type FakeSender, FakeTrack, playBrowser, settle } from "./fakes/browser.ts";

/** Own microphone, camera and screen, one for another's screen, and a pair for each of eight people. */
const MOST_SECTIONS = 4 + 2 * 8;

const connection = () => FakeConnection.all.at(-1) as FakeConnection;

function answerTo(offer: SessionDescription, change: Partial<MediaAnswer> = {}): MediaAnswer {
  return { description: { ...offer, sdp: `answer ${offer.number}` }, slots: [], missing_slots: 0, ...change };
}

describe("one media connection", () => {
  let people: ReadonlyMap<string, RemoteMedia>;
  let media: MediaConnection;
  let offersNeeded: number;
  const events = {
    offerNeeded: () => {
      offersNeeded += 1;
    },
    transport: () => {},
    remote: (now: ReadonlyMap<string, RemoteMedia>) => {
      people = now;
    },
  };
  const microphone = new FakeTrack("audio") as unknown as MediaStreamTrack;

  beforeEach(() => {
    playBrowser();
    people = new Map();
    offersNeeded = 0;
    media = new MediaConnection({ microphone, camera: null, screen: null }, "auto", events);
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("offers microphone and camera first, a missing camera too, then pairs to receive", () => {
    expect(connection().transceivers.map(({ kind, direction }) => `${kind} ${direction}`)).toEqual([
      "audio sendonly",
      "video inactive",
      "video inactive",
      "audio recvonly",
      "video recvonly",
      "audio recvonly",
      "video recvonly",
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
    expect(connection().transceivers).toHaveLength(10);
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
      { mid: "3", participant: "doctor" },
      { mid: "4", participant: "doctor" },
      { mid: "5", participant: null },
    ];
    const offer = await media.makeOffer();
    await media.apply(answerTo(offer, { slots }));
    const before = people.get("doctor");
    expect(before?.sound?.getTracks()[0]?.kind).toBe("audio");
    expect(before?.picture?.getTracks()[0]?.kind).toBe("video");
    media.assign(slots);
    expect(people.get("doctor")?.picture).toBe(before?.picture);
    media.assign([{ mid: "3", participant: "doctor" }]);
    expect(people.get("doctor")?.picture).toBeNull();
  });

  it("marks the sections of screens in the text it sends", async () => {
    const { sdp } = await media.makeOffer();
    const marked = sdp
      .split(/^(?=m=)/m)
      .slice(1)
      .map((section) => section.includes("a=content:slides\r\n"));
    expect(marked).toEqual([false, false, true, false, false, false, false, true]);
  });

  it("gives a shared screen apart from the picture of who shares it", async () => {
    const slots = [4, 7].map((mid) => ({ mid: String(mid), participant: "doctor" }));
    await media.apply(answerTo(await media.makeOffer(), { slots }));
    expect(people.get("doctor")?.screen).toBeTruthy();
    expect(people.get("doctor")?.screen).not.toBe(people.get("doctor")?.picture);
    expect(media.pictureSections()).toEqual([
      { mid: "4", participant: "doctor", screen: false },
      { mid: "7", participant: "doctor", screen: true },
    ]);
  });

  it.each(["camera", "screen"] as const)("begins to send its %s with the first picture, once", async (kind) => {
    const section = connection().transceivers[kind === "camera" ? 1 : 2];
    const track = new FakeTrack("video") as unknown as MediaStreamTrack;
    await media.replace(kind, null);
    expect([section?.direction, offersNeeded]).toEqual(["inactive", 0]);
    await media.replace(kind, track);
    expect([section?.direction, offersNeeded]).toEqual(["sendonly", 1]);
    await media.replace(kind, null);
    await media.replace(kind, track);
    expect([section?.direction, offersNeeded]).toEqual(["sendonly", 1]);
  });

  it("offers all sizes of a camera that is not there yet where they would be forgotten otherwise", () => {
    vi.stubGlobal("navigator", { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" });
    media = new MediaConnection({ microphone, camera: null, screen: null }, "auto", events);
    const [camera, screen] = connection().transceivers.slice(1, 3);
    expect([camera?.direction, screen?.direction]).toEqual(["sendonly", "inactive"]);
  });

  it("asks for another offer when a picture came after the last one was made, and then for no more", async () => {
    const offer = await media.makeOffer();
    await media.replace("camera", new FakeTrack("video") as unknown as MediaStreamTrack);
    // Whoever is not in the room yet makes no offers.
    offersNeeded = 0;
    await media.apply(answerTo(offer));
    expect(offersNeeded).toBe(1);
    await media.apply(answerTo(await media.makeOffer()));
    expect(offersNeeded).toBe(1);
  });

  it("offers to send the pictures that there are", () => {
    const [camera, screen] = [new FakeTrack("video"), new FakeTrack("video")] as unknown as MediaStreamTrack[];
    media = new MediaConnection({ microphone, camera: camera ?? null, screen: screen ?? null }, "auto", events);
    expect(
      connection()
        .transceivers.slice(1, 3)
        .map(({ direction }) => direction),
    ).toEqual(["sendonly", "sendonly"]);
  });

  describe("the layers of the camera", () => {
    const camera = () => connection().transceivers[1]?.sender as FakeSender;
    const screen = () => connection().transceivers[2]?.sender as FakeSender;
    const active = (sender: FakeSender) => sender.parameters.encodings.map((encoding) => encoding.active);
    const activeLayers = () =>
      camera().parameters.encodings.flatMap((encoding) => (encoding.active ? [encoding.rid] : []));
    const wanted = (layers: string[], shown = false) => ({ connection: media.name, camera: layers, screen: shown });

    it("are three, of which the whole picture alone is sent until somebody wants others", async () => {
      await settle();
      expect(camera().parameters.encodings).toMatchObject([
        { rid: "h", active: true, scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
        { rid: "m", active: false, scaleResolutionDownBy: 2 },
        { rid: "l", active: false, scaleResolutionDownBy: 4 },
      ]);
      expect(active(screen())).toEqual([false]);
    });

    it("are sent as the server says, the screen too", async () => {
      await media.obey(wanted(["l", "m"], true));
      expect(activeLayers()).toEqual(["m", "l"]);
      expect(active(screen())).toEqual([true]);
      expect(screen().parameters.degradationPreference).toBe("maintain-resolution");
      await media.obey(wanted([]));
      expect([activeLayers(), active(screen())]).toEqual([[], [false]]);
    });

    it("stay as they are when the word was meant for an older connection", async () => {
      await media.obey({ ...wanted([]), connection: "another" });
      await settle();
      expect(activeLayers()).toEqual(["h"]);
    });

    it("keep to what the person chose, whichever are sent", async () => {
      await media.limit("save");
      await media.obey(wanted(["l", "h"]));
      expect(camera().parameters.encodings).toMatchObject([
        { active: true, maxBitrate: 250_000, maxFramerate: 15 },
        { active: false },
        { active: true, maxBitrate: 60_000 },
      ]);
    });

    it("end as was wished last, however many wishes come while one is being applied", async () => {
      await settle();
      let go = (): void => {};
      camera().applying = new Promise((resolve) => {
        go = resolve;
      });
      const wishes = [media.obey(wanted(["l"])), media.limit("save"), media.obey(wanted(["m"]))];
      go();
      await Promise.all(wishes);
      expect(camera().parameters.encodings).toMatchObject([
        { active: false },
        { active: true, maxBitrate: 120_000 },
        {},
      ]);
      expect(activeLayers()).toEqual(["m"]);
    });

    it.each([
      ["one", ["l"]],
      ["two", ["l", "m"]],
    ])("become one whole picture with a server that takes none (%s left by the browser)", async (_, left) => {
      const offer = await media.makeOffer();
      camera().parameters.encodings = left.map((rid) => ({ rid, active: false, scaleResolutionDownBy: 4 }));
      await media.apply(answerTo(offer));
      await settle();
      expect(camera().parameters.encodings[0]).toMatchObject({ active: true, scaleResolutionDownBy: 1 });
      expect(active(camera()).slice(1)).toEqual(left.slice(1).map(() => false));
    });

    it("are one in a browser that knows no others", async () => {
      FakeConnection.refusesEncodings = true;
      media = new MediaConnection({ microphone, camera: null, screen: null }, "auto", events);
      await settle();
      expect(camera().parameters.encodings).toMatchObject([{ active: true, maxBitrate: 1_500_000 }]);
      await media.obey(wanted([]));
      expect(active(camera())).toEqual([false]);
    });
  });
});
