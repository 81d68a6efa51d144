import { signal, type Signal as Value } from "@preact/signals";
import type { Signal } from "../signal/signal.ts";

/** TURN servers, for networks that allow no other way: asked for before they are needed, and again before they end. */
export class Relays {
  readonly servers: Value<readonly RTCIceServer[]> = signal([]);

  private freshUntil = 0;
  private asking: Promise<void> | null = null;

  /** A server that refuses, or does not answer, leaves everything as it was: the way without them may do. */
  refresh(signalling: Signal): Promise<void> {
    if (performance.now() < this.freshUntil) return Promise.resolve();
    this.asking ??= this.ask(signalling).finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  private async ask(signalling: Signal): Promise<void> {
    const answer = await signalling.request("media.servers", {}).catch(() => null);
    if (!answer) return;
    // Half of their time, so that those in use always last for a whole consultation.
    const seconds = answer.servers.length > 0 ? answer.expires_seconds / 2 : Number.POSITIVE_INFINITY;
    this.freshUntil = performance.now() + seconds * 1000;
    this.servers.value = answer.servers.map(({ urls, username, credential }) => ({
      urls: [...urls],
      username,
      credential,
    }));
  }
}
