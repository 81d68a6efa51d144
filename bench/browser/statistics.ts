/** What the browser itself counts of the media it receives (W3C webrtc-stats), summed over a page's connections. */

import type { Page } from "puppeteer-core";

export interface Statistics {
  framesDecoded: number;
  freezeCount: number;
  totalFreezesDuration: number;
  frameHeight: number;
  videoBytes: number;
  videoPacketsLost: number;
  audioPacketsReceived: number;
  audioPacketsLost: number;
  audioPacketsDiscarded: number;
  audioSamples: number;
  concealedSamples: number;
}

export async function statistics(page: Page): Promise<Statistics> {
  return page.evaluate(async () => {
    const sum: Statistics = {
      framesDecoded: 0,
      freezeCount: 0,
      totalFreezesDuration: 0,
      frameHeight: 0,
      videoBytes: 0,
      videoPacketsLost: 0,
      audioPacketsReceived: 0,
      audioPacketsLost: 0,
      audioPacketsDiscarded: 0,
      audioSamples: 0,
      concealedSamples: 0,
    };
    for (const connection of window.senses.connections) {
      for (const report of (await connection.getStats()).values()) {
        if (report.type === "inbound-rtp" && report.kind === "video") {
          sum.framesDecoded += report.framesDecoded ?? 0;
          sum.freezeCount += report.freezeCount ?? 0;
          sum.totalFreezesDuration += report.totalFreezesDuration ?? 0;
          sum.frameHeight = Math.max(sum.frameHeight, report.frameHeight ?? 0);
          sum.videoBytes += report.bytesReceived ?? 0;
          sum.videoPacketsLost += report.packetsLost ?? 0;
        } else if (report.type === "inbound-rtp") {
          sum.audioPacketsReceived += report.packetsReceived ?? 0;
          sum.audioPacketsLost += report.packetsLost ?? 0;
          sum.audioPacketsDiscarded += report.packetsDiscarded ?? 0;
          sum.audioSamples += report.totalSamplesReceived ?? 0;
          sum.concealedSamples += report.concealedSamples ?? 0;
        }
      }
    }
    return sum;
  });
}
