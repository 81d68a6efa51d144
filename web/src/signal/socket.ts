import { io, type Socket } from "socket.io-client";
import type { Transport } from "./transport.ts";

/** Refusals at connect after which trying again with the same cookie is useless. */
const FINAL_REFUSALS = new Set(["session_required", "session_expired", "origin_refused", "forbidden"]);

/**
 * How long one attempt may take, in milliseconds. A server that was just killed may leave the first attempts hanging,
 * so these are given up soon; a slow network needs longer, so each attempt gets more time than the one before.
 */
const FIRST_TIMEOUT = 5000;
const SHORTEST_TIMEOUT = 2000;
const LONGEST_TIMEOUT = 10_000;

export function attemptTimeout(attempt: number): number {
  return Math.min(LONGEST_TIMEOUT, SHORTEST_TIMEOUT * 1.5 ** (attempt - 1));
}

/** The Socket.IO link of one participant's page. Its identity is the participant's HttpOnly cookie. */
export class SocketTransport implements Transport {
  private readonly socket: Socket;
  private readonly removeListeners: () => void;
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor(participant: string) {
    this.socket = io("/consultation", {
      path: "/socket.io",
      auth: { participant },
      transports: ["websocket", "polling"],
      reconnectionDelay: 300,
      reconnectionDelayMax: 1000,
      randomizationFactor: 0.5,
      timeout: FIRST_TIMEOUT,
      autoConnect: false,
      forceNew: true,
    });
    this.socket.io.on("reconnect_attempt", (attempt) => this.socket.io.timeout(attemptTimeout(attempt)));
    this.removeListeners = this.hurryWhenThePageComesBack();
  }

  emit(name: string, payload: unknown, acknowledge: (answer: unknown) => void): void {
    this.socket.emit(name, payload, acknowledge);
  }

  onConnect(handler: () => void): void {
    this.socket.on("connect", handler);
  }

  onDisconnect(handler: (final: boolean) => void): void {
    this.socket.on("disconnect", (reason) => {
      handler(false);
      // Socket.IO does not reconnect by itself after the server closed the namespace.
      if (reason === "io server disconnect") this.socket.connect();
    });
    this.socket.on("connect_error", (error) => {
      const final = FINAL_REFUSALS.has(refusalCode(error));
      if (final) this.socket.disconnect();
      else if (!this.socket.active) this.again = setTimeout(() => this.socket.connect(), 1000);
      handler(final);
    });
  }

  onEvent(handler: (name: string, payload: unknown) => void): void {
    this.socket.onAny(handler);
  }

  connect(): void {
    this.socket.connect();
  }

  reconnect(): void {
    this.socket.disconnect();
    this.socket.connect();
  }

  close(): void {
    clearTimeout(this.again);
    this.removeListeners();
    this.socket.removeAllListeners();
    this.socket.disconnect();
  }

  /** A phone that wakes up or regains its network should not wait for the back-off to run out. */
  private hurryWhenThePageComesBack(): () => void {
    const hurry = () => {
      if (document.visibilityState === "visible" && !this.socket.connected && this.socket.active) this.reconnect();
    };
    window.addEventListener("online", hurry);
    document.addEventListener("visibilitychange", hurry);
    return () => {
      window.removeEventListener("online", hurry);
      document.removeEventListener("visibilitychange", hurry);
    };
  }
}

function refusalCode(error: Error & { data?: unknown }): string {
  const data = error.data;
  if (typeof data === "object" && data !== null && "code" in data && typeof data.code === "string") return data.code;
  return error.message;
}
