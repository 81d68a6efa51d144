import type { Transport } from "../../src/signal/transport.ts";

export interface Sent {
  readonly name: string;
  readonly payload: Readonly<Record<string, unknown>> & { readonly id: string };
  readonly acknowledge: (answer: unknown) => void;
}

/** A link played by hand: the test is the server. */
export class PlayedTransport implements Transport {
  readonly sent: Sent[] = [];
  connected: () => void = () => {};
  disconnected: (final: boolean) => void = () => {};
  event: (name: string, payload: unknown) => void = () => {};
  reconnects = 0;
  closed = false;

  emit(name: string, payload: unknown, acknowledge: (answer: unknown) => void): void {
    this.sent.push({ name, payload: payload as Sent["payload"], acknowledge });
  }
  onConnect(handler: () => void): void {
    this.connected = handler;
  }
  onDisconnect(handler: (final: boolean) => void): void {
    this.disconnected = handler;
  }
  onEvent(handler: (name: string, payload: unknown) => void): void {
    this.event = handler;
  }
  connect(): void {}
  reconnect(): void {
    this.reconnects += 1;
  }
  close(): void {
    this.closed = true;
  }

  all(name: string): Sent[] {
    return this.sent.filter((one) => one.name === name);
  }

  last(name: string): Sent {
    const found = this.all(name).at(-1);
    if (!found) throw new Error(`no ${name} was sent, only ${this.sent.map((one) => one.name).join(", ")}`);
    return found;
  }
}
