/** A UDP relay that makes a bad link: rate, delay, jitter, loss, reordering, duplicates, a blackout, a new port. */

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

export interface Impairment {
  bitsPerSecond?: number;
  /** What the bottleneck holds before it drops, as time at its rate. */
  queueMs?: number;
  delayMs?: number;
  jitterMs?: number;
  lossRatio?: number;
  /** Share of packets that are held back for `reorderMs`. */
  reorderRatio?: number;
  reorderMs?: number;
  duplicateRatio?: number;
  blackout?: boolean;
}

export interface LegCounters {
  packets: number;
  dropped: number;
}

/** One direction. */
class Leg {
  impairment: Impairment;
  readonly counters: LegCounters = { packets: 0, dropped: 0 };
  #freeAt = 0;
  #lastArrival = 0;

  constructor(impairment: Impairment) {
    this.impairment = impairment;
  }

  pass(size: number, send: () => void): void {
    const { duplicateRatio = 0, lossRatio = 0, blackout = false } = this.impairment;
    this.counters.packets += 1;
    const wait = this.#queueing(size);
    if (blackout || wait === null || Math.random() < lossRatio) {
      this.counters.dropped += 1;
      return;
    }
    this.#deliver(wait, send);
    if (Math.random() < duplicateRatio) {
      this.#deliver(wait, send);
    }
  }

  /** Time in the bottleneck's queue in ms; null when the queue is full. */
  #queueing(size: number): number | null {
    const { bitsPerSecond, queueMs = 200 } = this.impairment;
    if (!bitsPerSecond) {
      return 0;
    }
    const now = performance.now();
    const start = Math.max(now, this.#freeAt);
    if (start - now > queueMs) {
      return null;
    }
    // 28 bytes of IPv4 and UDP headers count on a real link.
    this.#freeAt = start + ((size + 28) * 8000) / bitsPerSecond;
    return this.#freeAt - now;
  }

  #deliver(queueing: number, send: () => void): void {
    const { delayMs = 0, jitterMs = 0, reorderRatio = 0, reorderMs = 20 } = this.impairment;
    const now = performance.now();
    let arrival = now + queueing + delayMs + Math.random() * jitterMs;
    if (Math.random() < reorderRatio) {
      arrival += reorderMs;
    } else {
      arrival = Math.max(arrival, this.#lastArrival);
      this.#lastArrival = arrival;
    }
    if (arrival - now < 0.5) {
      send();
    } else {
      setTimeout(send, arrival - now);
    }
  }
}

/** Stands between browsers and one media port. Browsers are told the relay's address instead of the server's. */
export class Relay {
  readonly up: Leg;
  readonly down: Leg;
  readonly #server: { address: string; port: number };
  readonly #front: Socket;
  readonly #backs = new Map<string, Socket>();

  private constructor(front: Socket, server: { address: string; port: number }, up: Impairment, down: Impairment) {
    this.#front = front;
    this.#server = server;
    this.up = new Leg(up);
    this.down = new Leg(down);
    front.on("message", (data, from) => this.#fromBrowser(data, from));
  }

  static async open(
    server: { address: string; port: number },
    impairments: { up?: Impairment; down?: Impairment },
  ): Promise<Relay> {
    const front = createSocket({ type: "udp4", recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
    front.bind(0, server.address);
    await once(front, "listening");
    return new Relay(front, server, impairments.up ?? {}, impairments.down ?? {});
  }

  get port(): number {
    return this.#front.address().port;
  }

  /** From now on the server sees the browsers come from other ports, as after a rebinding NAT. */
  changePorts(): void {
    for (const back of this.#backs.values()) {
      back.close();
    }
    this.#backs.clear();
  }

  close(): void {
    this.changePorts();
    this.#front.close();
  }

  #fromBrowser(data: Buffer, from: RemoteInfo): void {
    this.up.pass(data.length, () => this.#back(from).send(data, this.#server.port, this.#server.address));
  }

  #back(browser: RemoteInfo): Socket {
    const key = `${browser.address}:${browser.port}`;
    const known = this.#backs.get(key);
    if (known) {
      return known;
    }
    const back = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
    back.on("message", (data) => {
      this.down.pass(data.length, () => {
        if (this.#backs.has(key)) {
          this.#front.send(data, browser.port, browser.address);
        }
      });
    });
    this.#backs.set(key, back);
    return back;
  }
}
