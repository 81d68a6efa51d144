import { beforeEach, describe, expect, it, vi } from "vitest";
import { LocalMedia } from "../src/call/local-media.ts";
import { type FakeDevices, type FakeTrack, playBrowser, settle } from "./fakes/browser.ts";

describe("the person's own devices", () => {
  let devices: FakeDevices;
  let local: LocalMedia;

  beforeEach(() => {
    devices = playBrowser().devices;
    local = new LocalMedia();
  });

  it("are asked for one after the other, the microphone first", async () => {
    await local.enableBoth();
    expect(devices.asked).toEqual(["audio", "video"]);
    expect([local.microphone.value.kind, local.camera.value.kind]).toEqual(["on", "on"]);
  });

  it("keep the voice when the camera is refused", async () => {
    devices.refusal.video = "NotAllowedError";
    await local.enableBoth();
    expect(local.microphone.value.kind).toBe("on");
    expect(local.camera.value).toEqual({ kind: "trouble", trouble: "refused" });
  });

  it("free the camera when it is switched off, and take it anew", async () => {
    await local.enableBoth();
    const told = vi.fn();
    local.onTrack(told);
    await local.setCameraOn(false);
    expect(devices.given[1]?.readyState).toBe("ended");
    expect(told).toHaveBeenLastCalledWith("camera", null);
    await local.setCameraOn(true);
    expect(told).toHaveBeenLastCalledWith("camera", devices.given[2]);
  });

  it("mute without letting the microphone go, and stay muted on another microphone", async () => {
    await local.enableBoth();
    local.setMuted(true);
    expect(devices.given[0]).toMatchObject({ enabled: false, readyState: "live" });
    devices.present.push({ kind: "audioinput", deviceId: "microphone-2", label: "" });
    await local.choose("microphone", "microphone-2");
    expect(devices.given.at(-1)).toMatchObject({ deviceId: "microphone-2", enabled: false });
    expect(devices.given[0]?.readyState).toBe("ended");
    expect(local.microphone.value.kind).toBe("off");
  });

  it("go on with another camera when one vanishes", async () => {
    devices.present.push({ kind: "videoinput", deviceId: "camera-2", label: "" });
    await local.enableBoth();
    await local.choose("camera", "camera-1");
    devices.present = devices.present.filter((one) => one.deviceId !== "camera-1");
    devices.given.at(-1)?.vanish();
    await settle();
    expect(devices.given.at(-1)?.deviceId).toBe("camera-2");
    expect(local.camera.value.kind).toBe("on");
  });

  it("say what is missing, and come back by themselves when it is plugged in again", async () => {
    await local.enableBoth();
    const [camera] = devices.present.splice(1, 1);
    devices.given[1]?.vanish();
    await settle();
    expect(local.camera.value).toEqual({ kind: "trouble", trouble: "missing" });
    if (camera) devices.present.push(camera);
    devices.dispatchEvent(new Event("devicechange"));
    await settle();
    expect(local.camera.value.kind).toBe("on");
  });

  it("take any other when the remembered one is not there", async () => {
    await local.choose("camera", "long-gone");
    expect(local.camera.value.kind).toBe("on");
    expect(local.chosen.camera.value).toBe("");
  });

  it("are all freed, also those that the person allows only afterwards", async () => {
    let allow = () => {};
    devices.answer = new Promise((resolve) => {
      allow = resolve;
    });
    const asking = local.enable("microphone");
    expect(local.microphone.value.kind).toBe("asking");
    local.release();
    allow();
    await asking;
    expect(devices.given.map((track) => track.readyState)).toEqual(["ended"]);
    expect(local.microphone.value.kind).toBe("idle");
  });

  it("leave the camera out when only sound is wanted, and bring it back", async () => {
    await local.setQuality("audio_only");
    await local.enableBoth();
    expect(devices.asked).toEqual(["audio"]);
    await local.setCameraOn(false);
    await local.setQuality("auto");
    expect(local.camera.value.kind).toBe("on");
  });

  describe("and the quality that is chosen", () => {
    const sizes = () => devices.given.slice(1).map((track) => track.getSettings());
    const FULL = { width: 1280, height: 720 };
    const SMALL = { width: 640, height: 360 };

    it("change the picture's size on the way where the browser can", async () => {
      await local.enableBoth();
      await local.setQuality("save");
      expect(sizes()).toMatchObject([SMALL]);
      await local.setQuality("auto");
      expect(sizes()).toMatchObject([FULL]);
    });

    it("take a camera anew whose picture stays small, and keep the small one where that fails", async () => {
      devices.resizing = false;
      await local.setQuality("save");
      await local.enableBoth();
      devices.refusal.video = "NotReadableError";
      await local.setQuality("auto");
      expect(local.camera.value).toEqual({ kind: "on", track: devices.given[1] });
      expect(devices.given[1]?.readyState).toBe("live");
      devices.refusal = {};
      const told = vi.fn();
      local.onTrack(told);
      await local.setQuality("auto");
      expect(sizes()).toMatchObject([SMALL, FULL]);
      expect(told.mock.calls).toEqual([["camera", devices.given[2]]]);
      expect(devices.given[1]?.readyState).toBe("ended");
    });

    it("leave a picture that is larger than need be: it is made smaller before sending", async () => {
      devices.resizing = false;
      await local.enableBoth();
      await local.setQuality("save");
      expect(sizes()).toMatchObject([FULL]);
    });

    it("give the whole picture when the camera is switched on by hand while only sound was wanted", async () => {
      await local.enableBoth();
      await local.setQuality("audio_only");
      expect([local.camera.value.kind, devices.given[1]?.readyState]).toEqual(["off", "ended"]);
      await local.setCameraOn(true);
      expect(sizes()).toMatchObject([FULL, FULL]);
    });

    it("hold for a camera that the person allows only afterwards", async () => {
      let allow = () => {};
      devices.answer = new Promise((resolve) => {
        allow = resolve;
      });
      await local.setQuality("save");
      const asking = local.enable("camera");
      await local.setQuality("auto");
      allow();
      await asking;
      expect(devices.given[0]?.getSettings()).toMatchObject(FULL);
    });

    it("stop the camera that is being asked for when only sound is wanted", async () => {
      let allow = () => {};
      devices.answer = new Promise((resolve) => {
        allow = resolve;
      });
      const asking = local.enable("camera");
      await local.setQuality("audio_only");
      allow();
      await asking;
      expect([local.camera.value.kind, devices.given[0]?.readyState]).toEqual(["off", "ended"]);
    });

    it("let no camera come by itself when only sound is wanted", async () => {
      devices.refusal.video = "NotReadableError";
      await local.enableBoth();
      devices.refusal = {};
      await local.setQuality("audio_only");
      devices.dispatchEvent(new Event("devicechange"));
      await settle();
      await local.choose("camera", "camera-1");
      expect(local.camera.value.kind).toBe("trouble");
      expect(devices.asked).toEqual(["audio", "video"]);
      await local.setQuality("auto");
      expect(local.camera.value.kind).toBe("on");
    });

    it("ask no more of a camera than it can give", async () => {
      await local.enableBoth();
      const camera = devices.given.at(-1) as FakeTrack;
      camera.resizes = false;
      camera.resize({ width: { ideal: 640 }, height: { ideal: 480 } });
      Object.assign(camera, { getCapabilities: () => ({ width: { max: 640 } }) });
      await local.setQuality("save");
      await local.setQuality("auto");
      expect(devices.asked).toEqual(["audio", "video"]);
    });
  });

  it("are taken anew after a lock that ended or froze them", async () => {
    await local.enableBoth();
    const [microphone, camera] = devices.given;
    if (camera) camera.muted = true;
    await local.reviveAfterLock();
    expect(devices.asked).toEqual(["audio", "video", "video"]);
    expect([microphone?.readyState, camera?.readyState]).toEqual(["live", "ended"]);
  });
});
