/** Why a screen is not shown (any more), told in words. */
export const SHARE_TROUBLES = [
  "in_use",
  "refused_by_system",
  "nothing_to_share",
  "stopped",
  "taken_over",
  "failed",
] as const;
export type ShareTrouble = (typeof SHARE_TROUBLES)[number];

/** This page's own shared screen. */
export type ShareState =
  | { readonly kind: "idle"; readonly trouble: ShareTrouble | null }
  /** The browser asks the person what to show. */
  | { readonly kind: "choosing" }
  /** The server is asked whether it may be shown. */
  | ShareOf<"asking">
  | ShareOf<"sharing">;

interface ShareOf<Kind> {
  readonly kind: Kind;
  readonly track: MediaStreamTrack;
  /** The room names us, which it may do before the answer comes; until then, that it names nobody means nothing. */
  readonly seen: boolean;
}

export type ShareEvent =
  | { readonly kind: "wish" }
  | { readonly kind: "chosen"; readonly track: MediaStreamTrack }
  | { readonly kind: "given_up"; readonly trouble: ShareTrouble | null }
  | { readonly kind: "granted" }
  /** «Stop» here, or the browser's own. */
  | { readonly kind: "stop" }
  /** Who shares, as the room tells. */
  | { readonly kind: "room"; readonly mine: boolean; readonly nobody: boolean }
  | { readonly kind: "understood" };

export const NOT_SHARING: ShareState = { kind: "idle", trouble: null };

export function nextShare(state: ShareState, event: ShareEvent): ShareState {
  if (event.kind === "stop") return state.kind === "idle" ? state : NOT_SHARING;
  if (event.kind === "given_up") return state.kind === "idle" ? state : { kind: "idle", trouble: event.trouble };
  switch (state.kind) {
    case "idle":
      if (event.kind === "wish") return { kind: "choosing" };
      return event.kind === "understood" || isOutdated(state.trouble, event) ? NOT_SHARING : state;
    case "choosing":
      return event.kind === "chosen" ? { kind: "asking", track: event.track, seen: false } : state;
    case "asking":
    case "sharing":
      if (event.kind === "granted") return { ...state, kind: "sharing" };
      return event.kind === "room" ? afterNews(state, event.mine, event.nobody) : state;
  }
}

/** That somebody else shares is true only until that ends. */
function isOutdated(trouble: ShareTrouble | null, event: ShareEvent): boolean {
  return event.kind === "room" && event.nobody && (trouble === "in_use" || trouble === "taken_over");
}

function afterNews(state: ShareOf<"asking" | "sharing">, mine: boolean, nobody: boolean): ShareState {
  if (mine) return state.seen ? state : { ...state, seen: true };
  // Before the answer the room may still name whoever shared until now.
  if (!state.seen && (nobody || state.kind === "asking")) return state;
  return { kind: "idle", trouble: nobody ? "stopped" : "taken_over" };
}

export function sharedTrack(state: ShareState): MediaStreamTrack | null {
  return state.kind === "sharing" ? state.track : null;
}

/** Names the reason behind a rejected `getDisplayMedia` (Screen Capture, section 5.1). */
export function shareTroubleOf(error: unknown): ShareTrouble | null {
  const { name, message } = error instanceof Error ? error : { name: "", message: "" };
  if (name === "NotAllowedError") return /system/i.test(message) ? "refused_by_system" : null;
  if (name === "NotFoundError") return "nothing_to_share";
  return name === "NotReadableError" ? "refused_by_system" : "failed";
}
