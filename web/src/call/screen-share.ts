import { type Signal, signal } from "@preact/signals";
import { RequestError } from "../signal/errors.ts";
import {
  NOT_SHARING,
  nextShare,
  type ShareEvent,
  type ShareState,
  sharedTrack,
  shareTroubleOf,
} from "./screen-share-state.ts";

/** What the room does for a shared screen. */
export interface ShareDeeds {
  readonly ask: () => Promise<unknown>;
  readonly tellStopped: () => Promise<unknown>;
  /** The track to be sent from now on; null: none. */
  readonly send: (track: MediaStreamTrack | null) => void;
}

/** Not asked for: sound of the computer, and this very page, which would show itself without end. */
const CAPTURE = {
  video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { max: 15 } },
  audio: false,
  selfBrowserSurface: "exclude",
  surfaceSwitching: "include",
} satisfies DisplayMediaStreamOptions & Record<string, unknown>;

export function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function";
}

/** This page's own shared screen, from the wish to the end. Owns the track: whoever ends sharing frees it. */
export class ScreenShare {
  readonly state: Signal<ShareState> = signal(NOT_SHARING);
  private readonly deeds: ShareDeeds;

  constructor(deeds: ShareDeeds) {
    this.deeds = deeds;
  }

  get track(): MediaStreamTrack | null {
    return sharedTrack(this.state.peek());
  }

  /** To be called from a press: browsers let nobody else ask. `taken`: somebody shares who need not give way. */
  async start(taken: boolean): Promise<void> {
    if (this.state.peek().kind !== "idle") return;
    this.advance({ kind: "wish" });
    if (taken) return this.advance({ kind: "given_up", trouble: "in_use" });
    let track: MediaStreamTrack | undefined;
    try {
      track = (await navigator.mediaDevices.getDisplayMedia(CAPTURE)).getVideoTracks()[0];
    } catch (error) {
      return this.advance({ kind: "given_up", trouble: shareTroubleOf(error) });
    }
    if (!track) return this.advance({ kind: "given_up", trouble: "failed" });
    if (this.state.peek().kind !== "choosing") return track.stop();
    await this.ask(track);
  }

  stop(): void {
    const told = this.state.peek().kind !== "choosing";
    this.release();
    if (told) void this.deeds.tellStopped().catch(() => {});
  }

  /** Ends it without telling: the stay in the room is over. */
  release(): void {
    this.advance({ kind: "stop" });
  }

  /** The room tells who shares. */
  hear(sharer: string | null, me: string): void {
    this.advance({ kind: "room", mine: sharer === me, nobody: sharer === null });
  }

  /** In the room anew: a server that was started anew may not know that we share, or think that a lost page does. */
  async renew(sharer: string | null, me: string): Promise<void> {
    if (this.state.peek().kind === "idle" && sharer === me) await this.deeds.tellStopped().catch(() => {});
    else if (this.track && sharer === null) await this.deeds.ask().catch((error: unknown) => this.refused(error));
    else this.hear(sharer, me);
  }

  /** What was told of the last attempt was read. */
  understood(): void {
    this.advance({ kind: "understood" });
  }

  private async ask(track: MediaStreamTrack): Promise<void> {
    if ("contentHint" in track) track.contentHint = "detail";
    track.addEventListener("ended", () => {
      const { state } = this;
      const now = state.peek();
      if ((now.kind === "asking" || now.kind === "sharing") && now.track === track) this.stop();
    });
    this.advance({ kind: "chosen", track });
    try {
      await this.deeds.ask();
      this.advance({ kind: "granted" });
    } catch (error) {
      this.refused(error);
    }
  }

  private refused(error: unknown): void {
    const code = error instanceof RequestError ? error.code : "internal";
    // The link is gone once more: back in the room it is tried again.
    if (code === "disconnected" && this.track) return;
    this.advance({ kind: "given_up", trouble: code === "screen_in_use" ? "in_use" : "failed" });
  }

  private advance(event: ShareEvent): void {
    const before = this.state.peek();
    const after = nextShare(before, event);
    if (after === before) return;
    this.state.value = after;
    const left = before.kind === "asking" || before.kind === "sharing" ? before.track : null;
    if (sharedTrack(after) !== sharedTrack(before)) this.deeds.send(sharedTrack(after));
    if (left && after.kind === "idle") left.stop();
  }
}
