/**
 * Leads one page's media through a bad network: the page's answers are rewritten so that it sends to our UDP relay
 * instead of the worker. A worker that replaces another is found by itself, since each answer names its address.
 */

import type { Page } from "puppeteer-core";

import { Ordered } from "./orders.ts";

/** As `bench.link.Impairment`. */
export interface Impairment {
  delay_ms?: number;
  jitter_ms?: number;
  loss?: number;
  duplicate?: number;
  reorder?: number;
  reorder_ms?: number;
  rate_kbps?: number;
  queue_ms?: number;
  blackout?: boolean;
}

export interface LinkCounters {
  received: number;
  forwarded: number;
  lost: number;
  overflowed: number;
}

export class Path {
  readonly #relay: Ordered;

  constructor(seed = 1) {
    this.#relay = new Ordered("bench.impairment", [String(seed)]);
  }

  /** From now on this page's media goes through here. Before the page's own scripts run. */
  async lead(page: Page): Promise<void> {
    await page.exposeFunction("relayFor", (host: string, port: number) =>
      this.#relay.order({ type: "open", host, port }),
    );
    await page.evaluateOnNewDocument(rewriteAnswers);
  }

  async impair(both: { up?: Impairment; down?: Impairment }): Promise<void> {
    await this.#relay.order({ type: "impair", up: both.up ?? {}, down: both.down ?? {} });
  }

  async changePorts(): Promise<void> {
    await this.#relay.order({ type: "change_ports" });
  }

  async report(): Promise<{ up: LinkCounters; down: LinkCounters }> {
    return (await this.#relay.order({ type: "report" })) as { up: LinkCounters; down: LinkCounters };
  }

  close(): void {
    this.#relay.close();
  }
}

/** Runs in the page. */
function rewriteAnswers(): void {
  type Apply = (this: RTCPeerConnection, description: RTCSessionDescriptionInit) => Promise<void>;
  const original = RTCPeerConnection.prototype.setRemoteDescription as Apply;
  const pattern = /^(a=candidate:\S+ \d+ udp \d+) (\S+) (\d+) /gim;
  RTCPeerConnection.prototype.setRemoteDescription = async function rewritten(
    this: RTCPeerConnection,
    description: RTCSessionDescriptionInit,
  ) {
    const found = [...(description.sdp ?? "").matchAll(pattern)];
    const first = found[0];
    if (!first) {
      return original.call(this, description);
    }
    const relay = await window.relayFor(first[2] ?? "", Number(first[3]));
    // The ways around the relay are taken out.
    const withoutTcp = (description.sdp ?? "").replace(/^a=candidate:\S+ \d+ tcp .*\r\n/gim, "");
    const sdp = withoutTcp.replace(pattern, `$1 ${relay.host} ${relay.port} `);
    return original.call(this, { type: description.type, sdp });
  } as typeof original;
}

declare global {
  interface Window {
    relayFor: (host: string, port: number) => Promise<{ host: string; port: number }>;
  }
}
