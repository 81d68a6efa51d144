import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Call } from "../src/call/call.ts";
import { LocalMedia } from "../src/call/local-media.ts";
import type { Quality } from "../src/call/quality.ts";
import type { Tile } from "../src/protocol/generated.ts";
import { doctor } from "../src/shots/people.ts";
import { Signal } from "../src/signal/signal.ts";
import { FakeConnection, type FakeDevices, type FakeSender, playBrowser, settle } from "./fakes/browser.ts";
import { joined, offerOf } from "./fakes/people.ts";
import { PlayedTransport } from "./fakes/played-transport.ts";

describe("the quality that is chosen in the room", () => {
  let link: PlayedTransport;
  let local: LocalMedia;
  let call: Call;
  let devices: FakeDevices;

  beforeEach(async () => {
    vi.useFakeTimers();
    ({ devices } = playBrowser());
    link = new PlayedTransport();
    local = new LocalMedia();
    const signalling = new Signal(link);
    link.connected();
    call = new Call(signalling, local, signal<Quality>("auto"), () => {});
    await local.enableBoth();
    const entering = call.enter({ takeOver: false, withMedia: true });
    await settle();
    const { connection } = offerOf(link.last("room.join"));
    link.last("room.join").acknowledge(joined(link.last("room.join")));
    await entering;
    FakeConnection.all[0]?.become("connected");
    call.viewing.draw(doctor.id, { width: 1600, height: 900 });
    link.event("media.wanted", { connection, camera: ["l", "m", "h"], screen: false });
    await vi.advanceTimersByTimeAsync(250);
  });
  afterEach(() => {
    call.close();
    vi.useRealTimers();
  });

  const camera = () => FakeConnection.all[0]?.transceivers[1]?.sender as FakeSender;
  /** By how much the whole picture is scaled down for each one that is sent, the largest first. */
  const scales = () =>
    camera().parameters.encodings.flatMap((one) => (one.active ? [Number(one.scaleResolutionDownBy)] : []));
  const tiles = () => (link.last("media.view").payload.tiles as Tile[]).map(({ size }) => size);

  it.each([true, false])(
    "computes what is sent anew for the picture's new size (changed on the way: %s)",
    async (way) => {
      for (const track of devices.given) track.resizes = way;
      devices.resizing = way;
      await local.setCameraOn(false);
      await call.setQuality("save");
      await local.setCameraOn(true);
      expect(scales()).toEqual([1, 2]);
      await call.setQuality("auto");
      expect(camera().track?.getSettings()).toMatchObject({ width: 1280, height: 720 });
      expect(camera().track).toBe(local.track("camera"));
      expect(scales()).toEqual([1, 2, 4]);
    },
  );

  it("stops the own camera when only sound is wanted, and shows nobody", async () => {
    await call.setQuality("audio_only");
    await vi.advanceTimersByTimeAsync(250);
    expect([local.camera.value.kind, camera().track]).toEqual(["off", null]);
    expect(tiles()).toEqual(["none"]);
  });

  it("is automatic again, the others shown, for whoever switches the camera on by hand", async () => {
    await call.setQuality("audio_only");
    await vi.advanceTimersByTimeAsync(250);
    let allow = (): void => {};
    devices.answer = new Promise((resolve) => {
      allow = resolve;
    });
    const switching = call.setCameraOn(true);
    await vi.advanceTimersByTimeAsync(250);
    expect([call.quality.value, tiles()]).toEqual(["auto", ["large"]]);
    allow();
    await switching;
    expect(camera().track?.getSettings()).toMatchObject({ width: 1280, height: 720 });
    expect(scales()).toEqual([1, 2, 4]);
  });

  it("stays as it is for whoever switches the camera on or off otherwise", async () => {
    await call.setQuality("save");
    await call.setCameraOn(false);
    expect([local.camera.value.kind, call.quality.value]).toEqual(["off", "save"]);
    await call.setCameraOn(true);
    expect([local.camera.value.kind, call.quality.value]).toEqual(["on", "save"]);
    await call.setQuality("audio_only");
    await call.setCameraOn(false);
    expect(call.quality.value).toBe("audio_only");
  });
});
