/** What `Signal` needs of a socket: small enough for tests to play it by hand. */
export interface Transport {
  /** Sends one event; `acknowledge` is called once, or never when the link is lost first. */
  emit(name: string, payload: unknown, acknowledge: (answer: unknown) => void): void;
  onConnect(handler: () => void): void;
  /** `final`: the server refused us and reconnecting makes no sense without a new session. */
  onDisconnect(handler: (final: boolean) => void): void;
  onEvent(handler: (name: string, payload: unknown) => void): void;
  connect(): void;
  /** Drops a link that is suspected to be dead and connects anew at once. */
  reconnect(): void;
  close(): void;
}
