import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Call } from "../src/call/call.ts";
import { LocalMedia } from "../src/call/local-media.ts";
import type { Quality } from "../src/call/quality.ts";
import { Relays } from "../src/call/relays.ts";
import { doctor, patient } from "../src/shots/people.ts";
import { Signal } from "../src/signal/signal.ts";
import { type Browser, FakeConnection, playBrowser, settle } from "./fakes/browser.ts";
import { answerTo, joined, offerOf, refused, snapshot } from "./fakes/people.ts";
import { PlayedTransport } from "./fakes/played-transport.ts";

describe("a stay in the room", () => {
  let link: PlayedTransport;
  let local: LocalMedia;
  let call: Call;
  let signalling: Signal;
  let browser: Browser;
  const ended = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers();
    browser = playBrowser();
    ended.mockReset();
    link = new PlayedTransport();
    local = new LocalMedia();
    signalling = new Signal(link);
    link.connected();
    call = new Call(signalling, local, signal<Quality>("auto"), ended);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function enter(): Promise<FakeConnection> {
    await local.enableBoth();
    const entering = call.enter({ takeOver: false, withMedia: true });
    await settle();
    link.last("room.join").acknowledge(joined(link.last("room.join")));
    await entering;
    const connection = FakeConnection.all[0] as FakeConnection;
    connection.become("connected");
    return connection;
  }

  /** Lets time pass; the server answers every question whether the link still works. */
  async function pass(milliseconds: number, arriving?: FakeConnection): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      if (arriving) arriving.arrived += 1000;
      await vi.advanceTimersByTimeAsync(100);
      for (const asked of link.all("admission.check")) asked.acknowledge({ ok: true, result: {} });
    }
  }

  it("begins with one message that carries the first offer, and its answer is applied", async () => {
    const connection = await enter();
    expect(link.sent.map((one) => one.name)).toEqual(["room.join"]);
    expect(offerOf(link.last("room.join")).number).toBe(1);
    expect(connection.answers).toEqual(["answer 1"]);
    expect(call.remote.value.get(doctor.id)?.picture).toBeTruthy();
    expect(call.connection.value).toEqual({ kind: "live", link: "up" });
  });

  it("without media makes no connection at all", async () => {
    const entering = call.enter({ takeOver: false, withMedia: false });
    await settle();
    link.last("room.join").acknowledge(joined(link.last("room.join")));
    await entering;
    expect(FakeConnection.all).toEqual([]);
    expect(link.last("room.join").payload).toMatchObject({ offer: null, media: { microphone: "off", camera: "off" } });
    expect(call.connection.value.kind).toBe("live");
  });

  it("takes its place again after a lost link, without an offer when the media lived on", async () => {
    await enter();
    link.disconnected(false);
    expect(call.connection.value).toEqual({ kind: "live", link: "down" });
    link.connected();
    await settle();
    const again = link.last("room.join");
    expect(again.payload).toMatchObject({ resume: offerOf(link.all("room.join")[0] as never).connection });
    expect(again.payload).toMatchObject({ resume_number: 1 });
    again.acknowledge(joined(again, { media_resumed: true }));
    await settle();
    expect(FakeConnection.all).toHaveLength(1);
    expect(link.all("media.offer")).toEqual([]);
    expect(call.connection.value).toEqual({ kind: "live", link: "up" });
  });

  it("makes its media anew when the server does not know it any more", async () => {
    await enter();
    link.disconnected(false);
    link.connected();
    await settle();
    link.last("room.join").acknowledge(joined(link.last("room.join")));
    await settle();
    expect(FakeConnection.all).toHaveLength(2);
    expect(offerOf(link.last("media.offer"))).toMatchObject({ number: 1 });
  });

  it("joins once a link, however often the link flaps", async () => {
    await enter();
    for (let flap = 0; flap < 3; flap += 1) {
      link.disconnected(false);
      await settle();
      link.connected();
      await settle();
    }
    await vi.advanceTimersByTimeAsync(400);
    expect(link.all("room.join")).toHaveLength(1 + 3);
    link.last("room.join").acknowledge(joined(link.last("room.join"), { media_resumed: true }));
    await vi.advanceTimersByTimeAsync(5000);
    expect(link.all("room.join")).toHaveLength(1 + 3);
  });

  it("asks again when the server could not take it back just now", async () => {
    await enter();
    link.disconnected(false);
    link.connected();
    await settle();
    link.last("room.join").acknowledge(refused("media_unavailable"));
    await vi.advanceTimersByTimeAsync(600);
    expect(link.all("room.join")).toHaveLength(3);
  });

  describe("when the media worker dies", () => {
    it("opens a new connection with the same tracks and closes the old one once its picture is replaced", async () => {
      const old = await enter();
      const before = call.remote.value.get(doctor.id)?.picture;
      link.event("media.lost", {});
      await settle();
      const fresh = FakeConnection.all[1] as FakeConnection;
      expect(fresh.transceivers[1]?.sender.track).toBe(old.transceivers[1]?.sender.track);
      expect(old.closed).toBe(false);
      expect(call.remote.value.get(doctor.id)?.picture).toBe(before);

      const offer = offerOf(link.last("media.offer"));
      link.last("media.offer").acknowledge({ ok: true, result: answerTo(offer, []) });
      await settle();
      expect(call.remote.value.get(doctor.id)?.picture).toBe(before);

      link.event("media.slots", { slots: answerTo(offer).slots, missing_slots: 0 });
      expect(call.remote.value.get(doctor.id)?.picture).not.toBe(before);
      call.pictureShown();
      expect([old.closed, fresh.closed]).toEqual([true, false]);
    });

    it("ignores an answer that was meant for the old connection", async () => {
      await enter();
      link.event("media.lost", {});
      await settle();
      const first = link.last("media.offer");
      link.event("media.lost", {});
      await settle();
      const second = link.last("media.offer");
      first.acknowledge({ ok: true, result: answerTo(offerOf(first)) });
      await settle();
      expect(FakeConnection.all[2]?.answers).toEqual([]);
      second.acknowledge({ ok: true, result: answerTo(offerOf(second)) });
      await settle();
      expect(FakeConnection.all[2]?.answers).toEqual(["answer 1"]);
    });

    it("asks again until a worker is there, and keeps the picture meanwhile", async () => {
      const old = await enter();
      const before = call.remote.value.get(doctor.id)?.picture;
      link.event("media.lost", {});
      await settle();
      for (let attempt = 2; attempt <= 3; attempt += 1) {
        link.last("media.offer").acknowledge(refused("media_unavailable"));
        await vi.advanceTimersByTimeAsync(800);
        expect(link.all("media.offer")).toHaveLength(attempt);
      }
      expect(call.remote.value.get(doctor.id)?.picture).toBe(before);
      expect(FakeConnection.all.map((one) => one.closed)).toEqual([false, true, true, false]);
      expect(old.closed).toBe(false);
    });
  });

  it("tells of its devices again when the server would not hear it", async () => {
    const connection = await enter();
    local.setMuted(true);
    link.last("media.state").acknowledge(refused("too_many"));
    await pass(2500, connection);
    expect(link.all("media.state")).toHaveLength(2);
    expect(link.last("media.state").payload).toMatchObject({ media: { microphone: "off" } });
    link.last("media.state").acknowledge({ ok: true, result: {} });
    await pass(5000, connection);
    expect(link.all("media.state")).toHaveLength(2);
  });

  describe("when the server has no place for its media", () => {
    const offers = () => link.all("media.offer");

    async function refusedFor(milliseconds: number): Promise<void> {
      for (let passed = 0; passed < milliseconds; passed += 100) {
        for (const sent of offers()) sent.acknowledge(refused("room_full"));
        await pass(100);
      }
    }

    it("says so, and asks ever more rarely until there is one", async () => {
      await enter();
      link.event("media.lost", {});
      await settle();
      await refusedFor(60_000);
      expect(call.offers.roomFull.value).toBe(true);
      expect(offers().length).toBeLessThan(15);
      const before = offers().length;
      await refusedFor(16_000);
      expect(offers().length).toBeGreaterThan(before);
      await pass(16_000);
      const last = link.last("media.offer");
      last.acknowledge({ ok: true, result: answerTo(offerOf(last)) });
      await settle();
      (FakeConnection.all.at(-1) as FakeConnection).become("connected");
      expect(call.offers.roomFull.value).toBe(false);
      expect(call.connection.value.kind).toBe("live");
    });

    it("does not take the refusal of an old connection for one of the new", async () => {
      await enter();
      link.event("media.lost", {});
      await settle();
      const first = link.last("media.offer");
      link.event("media.lost", {});
      await settle();
      first.acknowledge(refused("room_full"));
      await vi.advanceTimersByTimeAsync(1000);
      expect(offers()).toHaveLength(2);
      expect(call.offers.roomFull.value).toBe(false);
    });
  });

  it("asks for the same answer again when it did not come, and keeps its connection", async () => {
    const connection = await enter();
    link.event("media.slots", { slots: [], missing_slots: 1 });
    await settle();
    const sent = link.last("media.offer");
    await pass(15_500, connection);
    const again = link.last("media.offer");
    expect(again).not.toBe(sent);
    expect(offerOf(again)).toEqual(offerOf(sent));
    again.acknowledge({ ok: true, result: answerTo(offerOf(again)) });
    await pass(1000, connection);
    expect(connection.answers.at(-1)).toBe("answer 2");
    expect(FakeConnection.all).toHaveLength(1);
  });

  it("tells how large it shows what comes, and nothing after a while out of sight", async () => {
    await enter();
    const tiles = (sent: { payload: Readonly<Record<string, unknown>> }) => sent.payload.tiles;
    call.viewing.draw(doctor.id, { width: 1600, height: 900 });
    await vi.advanceTimersByTimeAsync(300);
    expect(tiles(link.last("media.view"))).toEqual([{ mid: "4", size: "large", main: true }]);
    Object.assign(document, { visibilityState: "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(5500);
    expect(tiles(link.last("media.view"))).toMatchObject([{ mid: "4", size: "none" }]);
    Object.assign(document, { visibilityState: "visible" });
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(300);
    expect(tiles(link.last("media.view"))).toMatchObject([{ mid: "4", size: "large" }]);
  });

  it("sends what is watched", async () => {
    const connection = await enter();
    const { connection: name } = offerOf(link.last("room.join"));
    link.event("media.wanted", { connection: name, camera: ["l"], screen: false });
    await settle();
    const { encodings } = connection.transceivers[1]?.sender.parameters ?? { encodings: [] };
    expect(encodings.map(({ active }) => active)).toEqual([false, false, true]);
  });

  describe("with its own screen shown", () => {
    const shown = (screen: string | null, version: number) => ({
      version,
      started_at: null,
      notice: null,
      finished: false,
      screen,
    });

    async function share(): Promise<MediaStreamTrack> {
      const sharing = call.shareScreen();
      await settle();
      link.last("screen.share").acknowledge({ ok: true, result: {} });
      await sharing;
      link.event("room.changed", shown(patient.id, 2));
      expect(call.share.state.value.kind).toBe("sharing");
      return call.share.track as MediaStreamTrack;
    }

    it("sends it, and stops when the doctor ends it", async () => {
      const connection = await enter();
      const track = await share();
      expect(connection.transceivers[2]?.sender.track).toBe(track);
      link.event("room.changed", shown(null, 3));
      expect(connection.transceivers[2]?.sender.track).toBeNull();
      expect(call.share.state.value).toEqual({ kind: "idle", trouble: "stopped" });
    });

    it("goes on with it over a new connection", async () => {
      await enter();
      const track = await share();
      link.event("media.lost", {});
      await settle();
      expect(FakeConnection.all[1]?.transceivers[2]?.sender.track).toBe(track);
    });

    it("tells a server that forgot about it", async () => {
      await enter();
      await share();
      link.disconnected(false);
      link.connected();
      await settle();
      link.last("room.join").acknowledge(joined(link.last("room.join"), { media_resumed: true }));
      await settle();
      expect(link.all("screen.share")).toHaveLength(2);
      expect(call.share.state.value.kind).toBe("sharing");
    });

    it("frees it when leaving, and says no more than that", async () => {
      await enter();
      const track = await share();
      void call.leave();
      expect(track.readyState).toBe("ended");
      expect(link.all("screen.stop")).toEqual([]);
    });
  });

  it("restarts a failed way, and makes everything anew when that does not help", async () => {
    const connection = await enter();
    connection.become("failed");
    await settle();
    expect(connection.restarts).toBe(1);
    expect(offerOf(link.last("media.offer"))).toMatchObject({ number: 2 });
    expect(call.connection.value.kind).toBe("reconnecting");
    await pass(6500);
    expect(FakeConnection.all).toHaveLength(2);
  });

  describe("while the first connection is being made", () => {
    let relays: Relays;

    async function connecting(): Promise<FakeConnection> {
      const entering = call.enter({ takeOver: false, withMedia: true });
      await settle();
      link.last("room.join").acknowledge(joined(link.last("room.join")));
      await entering;
      const connection = FakeConnection.all[0] as FakeConnection;
      connection.become("connecting");
      return connection;
    }

    beforeEach(() => {
      relays = new Relays();
      call = new Call(signalling, local, signal<Quality>("auto"), ended, relays);
    });

    it("waits for the slower ways: silence is no reason to begin anew", async () => {
      const connection = await connecting();
      await pass(10_000);
      expect([connection.restarts, FakeConnection.all.length]).toEqual([0, 1]);
      connection.become("connected");
      await pass(3500);
      expect(connection.restarts).toBe(1);
    });

    it("tries relays that came late, if nothing else has worked by then", async () => {
      const connection = await connecting();
      relays.servers.value = [{ urls: "turn:turn.example" }];
      expect(connection.configuration.iceServers).toHaveLength(1);
      await pass(1400);
      expect(connection.restarts).toBe(0);
      await pass(200);
      expect(connection.restarts).toBe(1);
    });

    it("needs no restart for relays that came late when it is connected by then", async () => {
      const connection = await connecting();
      relays.servers.value = [{ urls: "turn:turn.example" }];
      connection.become("connected");
      await pass(2000, connection);
      expect(connection.restarts).toBe(0);
    });
  });

  describe("when the network changes", () => {
    function answerOffer(): void {
      const sent = link.last("media.offer");
      sent.acknowledge({ ok: true, result: answerTo(offerOf(sent)) });
    }

    it("goes on where it was while packets come, whatever the browser says of its network", async () => {
      const connection = await enter();
      await pass(1000, connection);
      for (let signs = 0; signs < 5; signs += 1) {
        browser.window.dispatchEvent(new Event("online"));
        await pass(1000, connection);
      }
      expect(connection.restarts).toBe(0);
      expect(FakeConnection.all).toHaveLength(1);
      expect(call.connection.value).toEqual({ kind: "live", link: "up" });
    });

    it("stays on its connection when the restart of ICE helps", async () => {
      const connection = await enter();
      await pass(1000, connection);
      await pass(1100);
      expect(connection.restarts).toBe(1);
      expect(call.connection.value.kind).toBe("unstable");
      answerOffer();
      await pass(10_000, connection);
      expect(FakeConnection.all).toHaveLength(1);
      expect(call.connection.value.kind).toBe("live");
    });

    it("makes a connection in a frame of its own when the restart was answered and nothing comes", async () => {
      const connection = await enter();
      await pass(1000, connection);
      await pass(1100);
      answerOffer();
      await pass(500);
      const fresh = FakeConnection.all[1] as FakeConnection;
      expect(browser.frames.size).toBe(1);
      expect(offerOf(link.last("media.offer"))).toMatchObject({ number: 1 });
      expect(call.connection.value.kind).toBe("reconnecting");
      answerOffer();
      await settle();
      fresh.become("connected");
      call.pictureShown();
      await pass(10_000, fresh);
      expect([connection.closed, fresh.closed, FakeConnection.all.length]).toEqual([true, false, 2]);
      expect(call.connection.value.kind).toBe("live");
      void call.leave();
      expect(browser.frames.size).toBe(0);
    });

    it("waits for the browser to know of a network before it makes one", async () => {
      const connection = await enter();
      await pass(1000, connection);
      vi.stubGlobal("navigator", { ...navigator, onLine: false });
      await pass(1100);
      answerOffer();
      await pass(1000);
      expect(FakeConnection.all).toHaveLength(1);
      vi.stubGlobal("navigator", { ...navigator, onLine: true });
      browser.window.dispatchEvent(new Event("online"));
      await settle();
      expect(FakeConnection.all).toHaveLength(2);
    });

    it("looks at its media as soon as a link is back that was lost", async () => {
      const connection = await enter();
      await pass(1000, connection);
      await pass(300);
      link.disconnected(false);
      await pass(200);
      link.connected();
      await settle();
      link.last("room.join").acknowledge(joined(link.last("room.join"), { media_resumed: true }));
      await pass(100);
      expect(connection.restarts).toBe(1);
    });

    it("drops a link that does not answer, and makes no offers before there is a new one", async () => {
      const connection = await enter();
      await pass(1000, connection);
      await vi.advanceTimersByTimeAsync(1400);
      expect(link.reconnects).toBe(1);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(FakeConnection.all).toHaveLength(1);
      const offers = link.all("media.offer").length;
      link.connected();
      await settle();
      link.last("room.join").acknowledge(joined(link.last("room.join"), { media_resumed: true }));
      await settle();
      expect(link.all("media.offer")).toHaveLength(offers + 1);
    });
  });

  it("makes a new connection when nothing of ours goes out any more, though the browser calls it connected", async () => {
    const connection = await enter();
    connection.sent = 5000;
    await pass(7500, connection);
    expect(FakeConnection.all).toHaveLength(1);
    await pass(1500, connection);
    expect([FakeConnection.all.length, connection.restarts]).toEqual([2, 0]);
  });

  it("waits with that for a link by which a new connection could be asked for", async () => {
    const connection = await enter();
    connection.sent = 5000;
    link.disconnected(false);
    await pass(10_000, connection);
    expect(FakeConnection.all).toHaveLength(1);
  });

  it("restarts a way over which nothing comes any more", async () => {
    const connection = await enter();
    await vi.advanceTimersByTimeAsync(2600);
    expect(connection.restarts).toBe(1);
  });

  it("ends when the seat is taken over or the consultation is finished, and frees all timers", async () => {
    await enter();
    link.event("media.lost", {});
    await settle();
    link.event("seat.lost", { reason: "taken_over" });
    await settle();
    expect(ended).toHaveBeenCalledWith("taken_over", null);
    expect(FakeConnection.all.every((one) => one.closed)).toBe(true);
    // What is left belongs to the request that nobody answered.
    await vi.advanceTimersByTimeAsync(15_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(link.all("media.offer")).toHaveLength(1);
  });

  it("leaves: says so, closes everything, frees all timers", async () => {
    const connection = await enter();
    const leaving = call.leave();
    expect(connection.closed).toBe(true);
    link.last("room.leave").acknowledge({ ok: true, result: {} });
    await leaving;
    expect(vi.getTimerCount()).toBe(0);
    link.event("room.changed", { version: 2, started_at: null, notice: null, finished: true, screen: null });
    expect(ended).not.toHaveBeenCalled();
  });

  it("knows how good everybody's link is from the server's last word alone", async () => {
    await enter();
    const one = { participant: doctor.id, level: "poor", measure: "picture_reduced" } as const;
    const other = { participant: "par_other", level: "good", measure: "none" } as const;
    link.event("media.quality", { people: [one, other] });
    expect([...call.links.value.values()]).toEqual([one, other]);
    link.event("media.quality", { people: [other] });
    expect(call.links.value.has(doctor.id)).toBe(false);
  });

  it("may end before it has quite begun", async () => {
    const entering = call.enter({ takeOver: false, withMedia: true });
    await settle();
    const sent = link.last("room.join");
    sent.acknowledge(joined(sent, { snapshot: { ...snapshot, finished: true } }));
    await entering;
    expect(ended).toHaveBeenCalledWith("finished", null);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is refused with the server's words, and nothing stays behind", async () => {
    const entering = call.enter({ takeOver: false, withMedia: true });
    await settle();
    link.last("room.join").acknowledge(refused("room_full"));
    await expect(entering).rejects.toMatchObject({ code: "room_full" });
    expect(FakeConnection.all[0]?.closed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
