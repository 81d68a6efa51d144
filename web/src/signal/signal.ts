import type {
  Acknowledgement,
  CommandMap,
  CommandName,
  EventMap,
  EventName,
  ResultMap,
} from "../protocol/generated.ts";
import { RequestError } from "./errors.ts";
import { newId } from "./ids.ts";
import type { Transport } from "./transport.ts";

export type Payload<Name extends CommandName> = Omit<CommandMap[Name], "id">;
export type LinkState = "connecting" | "connected" | "lost" | "refused";

interface Pending {
  readonly name: CommandName;
  readonly message: unknown;
  readonly settle: (answer: Acknowledgement<CommandName>) => void;
  readonly fail: (error: RequestError) => void;
  sentOver: number;
}

/** These make sense without a seat in the room; all others wait until the seat is taken (again). */
const WITHOUT_SEAT: ReadonlySet<CommandName> = new Set([
  "admission.check",
  "consent.accept",
  "payment.returned",
  "media.servers",
  "room.join",
]);

/**
 * Bound to what happens after the reconnect: the call itself joins anew and makes its offer anew, so a blind repeat
 * could bring back a media connection that was replaced meanwhile.
 */
const NEVER_REPEATED: ReadonlySet<CommandName> = new Set(["room.join", "media.offer"]);

const TIMEOUT_MILLISECONDS = 15_000;

/**
 * Typed requests and events over a link that may drop.
 *
 * A request that was under way when the link dropped is sent again, with the same id, once the link (and the seat)
 * is back; the server recognises the repeat.
 */
export class Signal {
  private readonly transport: Transport;
  private readonly pending = new Map<string, Pending>();
  private readonly listeners = new Map<string, Set<(payload: never) => void>>();
  private readonly linkListeners = new Set<(state: LinkState) => void>();
  private link: LinkState = "connecting";
  private connection = 0;
  private seated = false;

  constructor(transport: Transport) {
    this.transport = transport;
    transport.onConnect(() => this.connected());
    transport.onDisconnect((final) => this.lost(final));
    transport.onEvent((name, payload) => this.dispatch(name, payload));
  }

  get state(): LinkState {
    return this.link;
  }

  open(): void {
    this.transport.connect();
  }

  close(): void {
    this.transport.close();
    this.failAll(new RequestError("disconnected"));
    this.listeners.clear();
    this.linkListeners.clear();
  }

  /** Drops a link that seems dead, without waiting for the ping to notice. */
  reconnect(): void {
    this.lost(false);
    this.transport.reconnect();
  }

  /** Tells whether this connection holds the seat, so that commands of the room may be sent. */
  setSeated(seated: boolean): void {
    this.seated = seated;
    if (seated) this.flush();
  }

  onLink(handler: (state: LinkState) => void): () => void {
    this.linkListeners.add(handler);
    return () => this.linkListeners.delete(handler);
  }

  on<Name extends EventName>(name: Name, handler: (event: EventMap[Name]) => void): () => void {
    const handlers = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, handlers);
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  /** Resolves with the server's result; rejects with `RequestError`. */
  request<Name extends CommandName>(
    name: Name,
    payload: Payload<Name>,
    timeout: number = TIMEOUT_MILLISECONDS,
  ): Promise<ResultMap[Name]> {
    if (this.link !== "connected" && NEVER_REPEATED.has(name)) return Promise.reject(new RequestError("disconnected"));
    const id = newId();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => pending.fail(new RequestError("timeout")), timeout);
      const finish = () => {
        clearTimeout(timer);
        this.pending.delete(id);
      };
      const pending: Pending = {
        name,
        message: { ...payload, id },
        sentOver: 0,
        settle: (answer) => {
          finish();
          if (answer.ok) resolve(answer.result as ResultMap[Name]);
          else reject(RequestError.from(answer.error));
        },
        fail: (error) => {
          finish();
          reject(error);
        },
      };
      this.pending.set(id, pending);
      this.flush();
    });
  }

  private connected(): void {
    this.connection += 1;
    this.seated = false;
    this.tellLink("connected");
    this.flush();
  }

  private lost(final: boolean): void {
    this.seated = false;
    for (const pending of [...this.pending.values()]) {
      if (final || NEVER_REPEATED.has(pending.name)) pending.fail(new RequestError("disconnected"));
    }
    this.tellLink(final ? "refused" : "lost");
  }

  private flush(): void {
    if (this.link !== "connected") return;
    const connection = this.connection;
    for (const pending of this.pending.values()) {
      if (pending.sentOver === connection) continue;
      if (!this.seated && !WITHOUT_SEAT.has(pending.name)) continue;
      pending.sentOver = connection;
      this.transport.emit(pending.name, pending.message, (answer) => {
        pending.settle(answer as Acknowledgement<CommandName>);
      });
    }
  }

  private dispatch(name: string, payload: unknown): void {
    for (const handler of [...(this.listeners.get(name) ?? [])]) handler(payload as never);
  }

  private tellLink(state: LinkState): void {
    if (this.link === state) return;
    this.link = state;
    for (const handler of [...this.linkListeners]) handler(state);
  }

  private failAll(error: RequestError): void {
    for (const pending of [...this.pending.values()]) pending.fail(error);
  }
}
