import { signal, type Signal as Value } from "@preact/signals";
import type { MediaAnswer, SessionDescription } from "../protocol/generated.ts";
import { RequestError } from "../signal/errors.ts";
import type { MediaConnection } from "./media-connection.ts";

export interface OfferActs {
  readonly send: (offer: SessionDescription) => Promise<MediaAnswer>;
  /** The connection in use; null when nobody waits for answers any more. */
  readonly current: () => MediaConnection | null;
  /** The server did not take the connection. `unknown`: it knows nothing of our seat. */
  readonly refused: (unknown: boolean) => void;
}

/** Brings the offers of the connection in use to the server. */
export class Offers {
  /** The server has no place for our sound and picture just now. */
  readonly roomFull: Value<boolean> = signal(false);
  private readonly acts: OfferActs;

  constructor(acts: OfferActs) {
    this.acts = acts;
  }

  negotiate(media: MediaConnection): Promise<void> {
    return this.watched(media, media.negotiate(this.send));
  }

  restartIce(media: MediaConnection): Promise<void> {
    return this.watched(media, media.restartIce(this.send));
  }

  /** The server keeps its answers: an offer that is sent again gets the one that was lost. */
  private readonly send = async (offer: SessionDescription): Promise<MediaAnswer> => {
    try {
      return await this.acts.send(offer);
    } catch (error) {
      const lost = error instanceof RequestError && error.code === "timeout";
      if (!lost || this.acts.current()?.name !== offer.connection) throw error;
      return this.send(offer);
    }
  };

  private watched(media: MediaConnection, negotiation: Promise<void>): Promise<void> {
    negotiation.then(
      () => {
        if (media === this.acts.current()) this.roomFull.value = false;
      },
      (error: unknown) => {
        if (media === this.acts.current()) this.failed(error);
      },
    );
    return negotiation;
  }

  /** A lost link is repaired by whoever takes the seat again. */
  private failed(error: unknown): void {
    const code = error instanceof RequestError ? error.code : "bad_answer";
    if (code === "disconnected") return;
    this.roomFull.value = code === "room_full";
    this.acts.refused(code === "not_in_room");
  }
}
