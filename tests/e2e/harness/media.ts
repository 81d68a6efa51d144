/** Looks at what a page really receives: decoded frames, changing pictures, audible sound. */

import type { Page } from "puppeteer-core";

import { type MediaWay, selectedWay } from "../../../web/src/call/media-way.ts";
import { until } from "./waiting.ts";
import "./instruments.ts";

export interface Received {
  /** Frames decoded so far, over all connections of the page. */
  framesDecoded: number;
  /** Energy of the sound decoded so far (W3C webrtc-stats, `totalAudioEnergy`). */
  audioEnergy: number;
  packetsLost: number;
  audioPacketsReceived: number;
  audioPacketsLost: number;
}

export async function received(page: Page): Promise<Received> {
  return page.evaluate(async () => {
    const sum = { framesDecoded: 0, audioEnergy: 0, packetsLost: 0, audioPacketsReceived: 0, audioPacketsLost: 0 };
    for (const reports of await window.instruments.reports()) {
      for (const report of reports.values()) {
        if (report.type !== "inbound-rtp") {
          continue;
        }
        sum.packetsLost += report.packetsLost ?? 0;
        if (report.kind === "video") {
          sum.framesDecoded += report.framesDecoded ?? 0;
        } else {
          sum.audioEnergy += report.totalAudioEnergy ?? 0;
          sum.audioPacketsReceived += report.packetsReceived ?? 0;
          sum.audioPacketsLost += report.packetsLost ?? 0;
        }
      }
    }
    return sum;
  });
}

/**
 * A fingerprint of what the page's remote video shows just now, as a person would see it: small, grey, or "" when
 * nothing remote is on show.
 */
export async function remotePicture(page: Page): Promise<string> {
  return page.evaluate(() => {
    const remote = new Set(
      window.instruments.connections.flatMap((connection) => connection.getReceivers().map((each) => each.track)),
    );
    const element = [...document.querySelectorAll("video")].find(
      (video) =>
        video.srcObject instanceof MediaStream &&
        video.srcObject.getVideoTracks().some((track) => remote.has(track) && !track.muted) &&
        video.videoWidth > 0 &&
        video.checkVisibility(),
    );
    const canvas = new OffscreenCanvas(32, 24);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!element || !context) {
      return "";
    }
    context.drawImage(element, 0, 0, canvas.width, canvas.height);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    return Array.from({ length: pixels.length / 4 }, (_, index) => (pixels[index * 4 + 1] ?? 0) >> 3).join(",");
  });
}

/** Waits until the page shows a remote picture that moves: frames are decoded, and their content changes. */
export async function moves(page: Page, seconds = 20): Promise<void> {
  let frames = Number.POSITIVE_INFINITY;
  let picture = "";
  let changes = 0;
  await until("a moving remote picture", seconds, async () => {
    const now = { frames: (await received(page)).framesDecoded, picture: await remotePicture(page) };
    changes = now.frames > frames && now.picture !== "" && now.picture !== picture ? changes + 1 : 0;
    ({ frames, picture } = now);
    return changes >= 2;
  });
}

/** Waits until the page decodes sound that can be heard. */
export async function sounds(page: Page, seconds = 20): Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  let heard = 0;
  await until("remote sound", seconds, async () => {
    const now = (await received(page)).audioEnergy;
    // A connection that was replaced takes its energy with it, so only what is added counts.
    heard += Math.max(0, now - before);
    before = now;
    return heard > 1e-4;
  });
}

/** Waits until the page has decoded nothing audible for a while. */
export async function silent(page: Page, seconds = 20): Promise<void> {
  let before = Number.NEGATIVE_INFINITY;
  let quiet = 0;
  await until("silence", seconds, async () => {
    const now = (await received(page)).audioEnergy;
    quiet = now - before < 1e-6 ? quiet + 1 : 0;
    before = now;
    return quiet >= 8;
  });
}

/** Which way the media of the page's newest connection takes; null while there is none. */
export async function way(page: Page): Promise<MediaWay | null> {
  const entries = await page.evaluate(async () => {
    const report = await window.instruments.connections.at(-1)?.getStats();
    return [...(report?.entries() ?? [])] as [string, object][];
  });
  return selectedWay(new Map(entries) as unknown as RTCStatsReport);
}

/** How many of the page's own tracks still hold a device. */
export async function liveTracks(page: Page): Promise<number> {
  return page.evaluate(() => window.instruments.localTracks.filter((track) => track.readyState === "live").length);
}
