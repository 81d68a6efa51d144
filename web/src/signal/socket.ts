import { io, type Socket } from "socket.io-client";
import type { Transport } from "./transport.ts";

/** Refusals at connect after which trying again with the same cookie is useless. */
const FINAL_REFUSALS = new Set(["session_required", "session_expired", "origin_refused", "forbidden"]);

/** The Socket.IO link of one participant's page. Its identity is the participant's HttpOnly cookie. */
export class SocketTransport implements Transport {
  private readonly socket: Socket;
  private readonly removeListeners: () => void;

  constructor(participant: string) {
    this.socket = io("/consultation", {
      path: "/socket.io",
      auth: { participant },
      transports: ["websocket", "polling"],
      reconnectionDelay: 200,
      reconnectionDelayMax: 3000,
      randomizationFactor: 0.3,
      timeout: 5000,
      autoConnect: false,
      forceNew: true,
    });
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
      else if (!this.socket.active) setTimeout(() => this.socket.connect(), 1000);
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
