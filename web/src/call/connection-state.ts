/** Whether the signalling link works; the picture and sound may go on without it for a while. */
export type Link = "up" | "down";

/** This page's own connection to the room, told apart as far as people need to know. */
export type CallConnection =
  | { readonly kind: "connecting"; readonly link: Link }
  | { readonly kind: "live"; readonly link: Link }
  /** Nothing has come for a moment; it may pass by itself. */
  | { readonly kind: "unstable"; readonly link: Link }
  /** We are doing something about it. */
  | { readonly kind: "reconnecting"; readonly link: Link }
  | { readonly kind: "gone" };

export type ConnectionEvent =
  | "transport_connected"
  | "transport_disturbed"
  | "transport_failed"
  | "transport_replaced"
  | "link_lost"
  | "link_back"
  | "seat_lost"
  | "entered";

type Living = Exclude<CallConnection, { kind: "gone" }>["kind"];

const TRANSITIONS: Record<Living, Partial<Record<ConnectionEvent, Living>>> = {
  connecting: { transport_connected: "live", transport_failed: "reconnecting", transport_replaced: "connecting" },
  live: {
    transport_disturbed: "unstable",
    transport_failed: "reconnecting",
    transport_replaced: "reconnecting",
  },
  unstable: { transport_connected: "live", transport_failed: "reconnecting", transport_replaced: "reconnecting" },
  reconnecting: { transport_connected: "live" },
};

export const START: CallConnection = { kind: "connecting", link: "up" };

export function nextConnection(state: CallConnection, event: ConnectionEvent): CallConnection {
  if (event === "entered") return START;
  if (event === "seat_lost" || state.kind === "gone") return { kind: "gone" };
  if (event === "link_lost") return { ...state, link: "down" };
  if (event === "link_back") return { ...state, link: "up" };
  const kind = TRANSITIONS[state.kind][event];
  return kind === undefined || kind === state.kind ? state : { ...state, kind };
}
