/** What the browser itself counts of its media (W3C webrtc-stats), summed over a page's connections. */

import type { Page } from "puppeteer-core";

/** Report type and kind → the counters that are summed, under `<kind>_<counter>`. */
const COUNTED = {
  "inbound-rtp video": [
    "framesDecoded",
    "freezeCount",
    "totalFreezesDuration",
    "bytesReceived",
    "packetsLost",
    "jitterBufferDelay",
    "jitterBufferEmittedCount",
    "totalDecodeTime",
    "totalProcessingDelay",
    "keyFramesDecoded",
    "pliCount",
    "nackCount",
  ],
  "inbound-rtp audio": [
    "packetsReceived",
    "packetsLost",
    "totalSamplesReceived",
    "concealedSamples",
    "jitterBufferDelay",
    "jitterBufferEmittedCount",
  ],
  "outbound-rtp video": ["framesEncoded", "totalEncodeTime", "packetsSent", "totalPacketSendDelay", "bytesSent"],
} as const;

/** Such as `inbound-rtp video framesDecoded` → 1800. */
export type Statistics = Record<string, number>;

export async function statistics(page: Page): Promise<Statistics> {
  return page.evaluate(async (counted: Record<string, readonly string[]>) => {
    const sums: Record<string, number> = {};
    for (const connection of window.senses.connections) {
      for (const report of (await connection.getStats()).values()) {
        const group = `${report.type} ${report.kind}`;
        for (const counter of counted[group] ?? []) {
          const name = `${group} ${counter}`;
          sums[name] = (sums[name] ?? 0) + (report[counter] ?? 0);
        }
      }
    }
    return sums;
  }, COUNTED);
}

export interface ReceivedSample {
  /** Milliseconds since the epoch. */
  at: number;
  /** Decoded so far. */
  frames: number;
  /** Pixels, of the largest picture that is received. */
  height: number;
  /** Packets of sound so far. */
  audio_received: number;
  audio_lost: number;
}

/** What the page receives just now. */
export async function received(page: Page): Promise<ReceivedSample> {
  return page.evaluate(async () => {
    const at = performance.timeOrigin + performance.now();
    const sample = { at, frames: 0, height: 0, audio_received: 0, audio_lost: 0 };
    for (const connection of window.senses.connections) {
      for (const report of (await connection.getStats()).values()) {
        if (report.type !== "inbound-rtp") {
          continue;
        }
        if (report.kind === "audio") {
          sample.audio_received += report.packetsReceived ?? 0;
          sample.audio_lost += report.packetsLost ?? 0;
        } else if (report.framesDecoded) {
          sample.frames += report.framesDecoded;
          sample.height = Math.max(sample.height, report.frameHeight ?? 0);
        }
      }
    }
    return sample;
  });
}

/** Of the candidate pair in use, "udp" or "tcp"; "" while there is none. */
export async function protocol(page: Page): Promise<string> {
  return page.evaluate(async () => {
    for (const connection of window.senses.connections) {
      const report = await connection.getStats();
      for (const entry of report.values()) {
        const pair = entry.type === "transport" ? report.get(entry.selectedCandidatePairId) : undefined;
        if (pair) {
          return report.get(pair.localCandidateId)?.protocol ?? "";
        }
      }
    }
    return "";
  });
}
