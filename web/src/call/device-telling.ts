import type { MediaState } from "../protocol/generated.ts";
import { toldState } from "./device-state.ts";
import type { LocalMedia } from "./local-media.ts";

/** After a telling that was not heard. */
const TELL_AGAIN_MILLISECONDS = 2000;

export interface Telling {
  readonly hasMedia: () => boolean;
  readonly inside: () => boolean;
  readonly send: (media: MediaState) => Promise<unknown>;
}

/** Tells the others whether our microphone and camera are on, until the server has heard it. */
export class DeviceTelling {
  private readonly local: LocalMedia;
  private readonly telling: Telling;
  private next: ReturnType<typeof setTimeout> | undefined;

  constructor(local: LocalMedia, telling: Telling) {
    this.local = local;
    this.telling = telling;
  }

  state(): MediaState {
    if (!this.telling.hasMedia()) return { microphone: "off", camera: "off" };
    return { microphone: toldState(this.local.microphone.peek()), camera: toldState(this.local.camera.peek()) };
  }

  tell(): void {
    this.stop();
    if (!this.telling.inside()) return;
    this.telling.send(this.state()).catch(() => {
      this.stop();
      if (this.telling.inside()) this.next = setTimeout(() => this.tell(), TELL_AGAIN_MILLISECONDS);
    });
  }

  stop(): void {
    clearTimeout(this.next);
  }
}
