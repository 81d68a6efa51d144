/** Notes when each step of joining happens in a page: where the time from the press to the first picture goes. */

export const STEPS = [
  "pressed",
  "connection",
  "offered",
  "answered",
  "applied",
  "ice",
  "dtls",
  "packet",
  "decoded",
] as const;

export type Step = (typeof STEPS)[number];

export interface Marks {
  at: Partial<Record<Step, number>>;
  /** RTCPeerConnections that existed before the press; must be none. */
  early: number;
}

/** Runs in the page, last, so that it wraps the `RTCPeerConnection` which the page will use. */
export function installMarks(): void {
  const marks: Marks = { at: {}, early: 0 };
  window.marks = marks;
  const origin = performance.timeOrigin;
  const mark = (step: Step, at = performance.now()): void => {
    if (marks.at.pressed !== undefined || step === "pressed") {
      marks.at[step] ??= origin + at;
    }
  };

  window.addEventListener(
    "pointerdown",
    (event) => {
      if (event.target instanceof Element && event.target.closest("[data-action=enter]")) {
        mark("pressed", event.timeStamp);
      }
    },
    { capture: true },
  );

  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      if (marks.at.pressed === undefined) {
        marks.early += 1;
      }
      mark("connection");
      this.addEventListener("iceconnectionstatechange", () => {
        if (this.iceConnectionState === "connected") {
          mark("ice");
        }
      });
      this.addEventListener("connectionstatechange", () => {
        if (this.connectionState === "connected") {
          mark("dtls");
        }
      });
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "video") {
          track.addEventListener("unmute", () => mark("packet"));
        }
      });
    }

    override async setLocalDescription(description?: RTCLocalSessionDescriptionInit): Promise<void> {
      mark("offered");
      await super.setLocalDescription(description);
    }

    override async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      mark("answered");
      await super.setRemoteDescription(description);
      mark("applied");
    }
  };

  // A picture with a size is the first one decoded; own previews have theirs before the press.
  document.addEventListener(
    "loadeddata",
    ({ target }) => {
      if (target instanceof HTMLVideoElement) {
        mark("decoded");
      }
    },
    { capture: true },
  );
}

declare global {
  interface Window {
    marks: Marks;
  }
}
