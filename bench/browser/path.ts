/**
 * Leads one page's media through a bad network: the page's answers are rewritten so that it sends to our UDP relay
 * instead of the worker. A worker that replaces another is found by itself, since each answer names its address.
 */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Page } from "puppeteer-core";

const ROOT = join(import.meta.dirname, "..", "..");

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
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(seed = 1) {
    this.#process = spawn(join(ROOT, ".venv", "bin", "python"), ["-m", "bench.impairment", String(seed)], {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** From now on this page's media goes through here. Before the page's own scripts run. */
  async lead(page: Page): Promise<void> {
    await page.exposeFunction("relayFor", (host: string, port: number) => this.#order({ type: "open", host, port }));
    await page.evaluateOnNewDocument(rewriteAnswers);
  }

  async impair(both: { up?: Impairment; down?: Impairment }): Promise<void> {
    await this.#order({ type: "impair", up: both.up ?? {}, down: both.down ?? {} });
  }

  async changePorts(): Promise<void> {
    await this.#order({ type: "change_ports" });
  }

  async report(): Promise<{ up: LinkCounters; down: LinkCounters }> {
    return (await this.#order({ type: "report" })) as { up: LinkCounters; down: LinkCounters };
  }

  close(): void {
    this.#process.stdin.end();
    this.#lines.close();
  }

  /** One order at a time, so that each gets its own answer. */
  #order(order: object): Promise<unknown> {
    const answered = this.#turn.then(async () => {
      this.#process.stdin.write(`${JSON.stringify(order)}\n`);
      const { value, done } = await this.#answers.next();
      if (done) {
        throw new Error("the relay has ended");
      }
      const answer = JSON.parse(value) as { error?: string };
      if (answer.error) {
        throw new Error(`relay: ${answer.error}`);
      }
      return answer;
    });
    this.#turn = answered.catch(() => undefined);
    return answered;
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
