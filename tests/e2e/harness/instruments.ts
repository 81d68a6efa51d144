/**
 * What tests put into a page before its own scripts run: the page's peer connections and local tracks are kept where
 * a test can look at them. The product knows nothing of it.
 */

import type { Page } from "puppeteer-core";

export interface Instruments {
  connections: RTCPeerConnection[];
  /** Statistics of the connections that live. */
  reports: () => Promise<RTCStatsReport[]>;
  localTracks: MediaStreamTrack[];
  /** Makes the browser believe that every device of this kind was pulled out. */
  vanish: (kind: "audio" | "video") => void;
}

declare global {
  interface Window {
    instruments: Instruments;
  }
}

export async function instrument(page: Page): Promise<void> {
  await page.evaluateOnNewDocument(install);
}

function install(): void {
  // A frame of the page makes connections for the page.
  const connections: RTCPeerConnection[] = window.parent.instruments?.connections ?? [];
  const localTracks: MediaStreamTrack[] = [];
  const vanished = new Set<string>();

  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.push(this);
    }
  };

  const devices = navigator.mediaDevices;
  if (devices) {
    const getUserMedia = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (constraints) => {
      if ((constraints?.audio && vanished.has("audio")) || (constraints?.video && vanished.has("video"))) {
        throw new DOMException("The device is gone", "NotFoundError");
      }
      const stream = await getUserMedia(constraints);
      localTracks.push(...stream.getTracks());
      return stream;
    };
    const enumerateDevices = devices.enumerateDevices.bind(devices);
    devices.enumerateDevices = async () =>
      (await enumerateDevices()).filter((device) => !vanished.has(device.kind.replace("input", "")));
  }

  const vanish = (kind: "audio" | "video"): void => {
    vanished.add(kind);
    for (const track of localTracks.filter((each) => each.kind === kind && each.readyState === "live")) {
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }
    devices.dispatchEvent(new Event("devicechange"));
  };

  // What is asked of a connection whose frame is just being taken away is never answered.
  const soon = (): Promise<null> => new Promise((resolve) => setTimeout(resolve, 1000, null));
  const reports = async (): Promise<RTCStatsReport[]> => {
    const living = connections.filter((connection) => connection.connectionState !== "closed");
    const told = await Promise.all(living.map((connection) => Promise.race([connection.getStats(), soon()])));
    return told.filter((report) => report !== null);
  };

  window.instruments = { connections, reports, localTracks, vanish };
}
