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
