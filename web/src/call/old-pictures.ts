import type { MediaConnection, RemoteMedia } from "./media-connection.ts";

type People = ReadonlyMap<string, RemoteMedia>;

/** The old pictures are kept until the new ones are seen, but not for ever. */
const KEPT_MILLISECONDS = 10_000;

/**
 * What was in view when the connection was replaced: whoever the new connection does not carry yet keeps the last
 * frame that the old one brought.
 */
export class OldPictures {
  private readonly changed: () => void;
  private connection: MediaConnection | null = null;
  private people: People = new Map();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: () => void) {
    this.changed = changed;
  }

  /** Takes over a connection that is replaced. One that never brought anything is closed in place of the one kept. */
  keep(connection: MediaConnection, people: People): void {
    if (this.connection && people.size === 0) {
      connection.close();
    } else {
      this.connection?.close();
      this.connection = connection;
      this.people = this.beside(people);
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.forget(), KEPT_MILLISECONDS);
  }

  /** Everybody of the new connection, and from the old one those (or those pictures) that are still missing. */
  beside(now: People): People {
    if (this.people.size === 0) return now;
    const all = new Map(this.people);
    for (const [participant, { sound, picture, screen }] of now) {
      const old = this.people.get(participant);
      const kept = { picture: picture ?? old?.picture ?? null, screen: screen ?? old?.screen ?? null };
      all.set(participant, { sound, ...kept });
    }
    return all;
  }

  /** A new picture is in view: nothing more is wanted of the old connection; frames in view stay there. */
  closeConnection(): void {
    this.connection?.close();
    this.connection = null;
  }

  forget(): void {
    clearTimeout(this.timer);
    this.closeConnection();
    this.people = new Map();
    this.changed();
  }
}
