import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LobbyControl } from "../src/call/lobby.ts";
import type { VerdictView } from "../src/protocol/generated.ts";
import { verdict } from "../src/shots/people.ts";
import { FakeConnection, type FakeDevices, playBrowser, settle } from "./fakes/browser.ts";
import { joined, refused } from "./fakes/people.ts";
import { PlayedTransport } from "./fakes/played-transport.ts";

const waiting = verdict("waiting_for_practitioner");
const admitted = verdict("admitted");

const RELAYS = [{ urls: ["turn:turn.example"], username: "1:a", credential: "b" }];

describe("from the link to the room", () => {
  let link: PlayedTransport;
  let devices: FakeDevices;
  let control: LobbyControl;

  beforeEach(() => {
    vi.useFakeTimers();
    devices = playBrowser().devices;
    link = new PlayedTransport();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function open(first: VerdictView): Promise<void> {
    const body = JSON.stringify({ participant: "par_patient", verdict: first });
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(body)));
    control = new LobbyControl("token", () => link);
    await control.open();
    link.connected();
    told(first);
    const asked = link.all("media.servers").at(-1);
    asked?.acknowledge({ ok: true, result: { servers: RELAYS, expires_seconds: 3600 } });
    await settle();
  }

  function told(news: VerdictView): void {
    link.event("admission.changed", { verdict: news });
  }

  async function inside(): Promise<void> {
    await settle();
    link.last("room.join").acknowledge(joined(link.last("room.join")));
    await settle();
  }

  it("tells the doctor that somebody waits, and enters by itself when the doctor comes", async () => {
    await open(waiting);
    await control.prepare();
    control.enter();
    await settle();
    link.last("room.join").acknowledge(refused("not_admitted", waiting));
    await settle();
    expect(control.state.value).toMatchObject({ kind: "outside", entry: { kind: "wanted" } });
    expect(FakeConnection.all[0]?.closed).toBe(true);

    told({ ...waiting, delay_minutes: 10 });
    await settle();
    expect(link.all("room.join")).toHaveLength(1);

    told(admitted);
    await inside();
    expect(link.all("room.join")).toHaveLength(2);
    expect(control.state.value.kind).toBe("inside");
    expect(FakeConnection.all).toHaveLength(2);
  });

  it("enters when the time comes, for somebody who was ready before", async () => {
    await open(verdict("too_early"));
    await control.prepare();
    expect(link.all("room.join")).toEqual([]);
    told(admitted);
    await inside();
    expect(control.state.value.kind).toBe("inside");
  });

  it("knows the relays before it makes its connection, and asks for them once", async () => {
    await open(waiting);
    told(admitted);
    control.enter();
    await inside();
    expect(FakeConnection.all[0]?.configuration.iceServers).toEqual(RELAYS);
    expect(link.all("media.servers")).toHaveLength(1);
  });

  it("asks for relays again when half of their time is over, and for none before it may come in", async () => {
    await open(verdict("too_early"));
    expect(link.all("media.servers")).toEqual([]);
    told(waiting);
    link.last("media.servers").acknowledge({ ok: true, result: { servers: RELAYS, expires_seconds: 3600 } });
    await settle();
    await vi.advanceTimersByTimeAsync(1790_000);
    told({ ...waiting, delay_minutes: 5 });
    expect(link.all("media.servers")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(20_000);
    told({ ...waiting, delay_minutes: 6 });
    expect(link.all("media.servers")).toHaveLength(2);
    link.last("media.servers").acknowledge(refused("too_many"));
    await settle();
  });

  it("asks for one seat, however often «Войти» is pressed", async () => {
    await open(admitted);
    control.enter();
    control.enter();
    told(admitted);
    await settle();
    expect(link.all("room.join")).toHaveLength(1);
    expect(FakeConnection.all).toHaveLength(1);
  });

  it("tries again by itself when the link dropped while it was entering", async () => {
    await open(admitted);
    control.enter();
    await settle();
    link.disconnected(false);
    await settle();
    expect(control.state.value).toMatchObject({ entry: { kind: "wanted" } });
    link.connected();
    told(admitted);
    await inside();
    expect(control.state.value.kind).toBe("inside");
  });

  it("offers to take over, and takes over only when asked to", async () => {
    await open(admitted);
    control.enter();
    await settle();
    expect(link.last("room.join").payload.take_over).toBe(false);
    link.last("room.join").acknowledge(refused("already_inside"));
    await settle();
    expect(control.state.value).toMatchObject({ verdict: { inside_elsewhere: true }, entry: { kind: "idle" } });
    control.enter({ takeOver: true });
    await settle();
    expect(link.last("room.join").payload.take_over).toBe(true);
  });

  it("frees the devices on leaving, and comes back in one press", async () => {
    await open(admitted);
    await control.prepare();
    control.enter();
    await inside();
    void control.leave();
    expect(devices.given.map((track) => track.readyState)).toEqual(["ended", "ended"]);
    expect(control.state.value).toMatchObject({ kind: "over", ending: "left" });
    link.last("room.leave").acknowledge({ ok: true, result: {} });
    await settle();
    expect(vi.getTimerCount()).toBe(0);

    await control.comeBack();
    await inside();
    expect(control.state.value.kind).toBe("inside");
    expect(devices.given).toHaveLength(4);
  });

  it("asks a person who came without sound and picture for no devices, also on the way back", async () => {
    await open(admitted);
    control.enter({ withMedia: false });
    await inside();
    void control.leave();
    await settle();
    await control.comeBack();
    await inside();
    expect(devices.asked).toEqual([]);
    expect(FakeConnection.all).toEqual([]);
    expect(control.state.value.kind).toBe("inside");
  });

  it("shows the end when the consultation ends while somebody enters", async () => {
    await open(admitted);
    control.enter();
    await settle();
    const sent = link.last("room.join");
    const result = joined(sent).result;
    sent.acknowledge({ ok: true, result: { ...result, snapshot: { ...result.snapshot, finished: true } } });
    await settle();
    expect(control.state.value).toMatchObject({ kind: "over", ending: "finished" });
    expect(control.call.value).toBeNull();
  });

  it("forgets the device: the link is closed and the devices are free", async () => {
    await open(admitted);
    await control.prepare();
    await control.forget();
    expect(link.closed).toBe(true);
    expect(devices.given.every((track) => track.readyState === "ended")).toBe(true);
    expect(control.state.value.kind).toBe("forgotten");
  });
});
