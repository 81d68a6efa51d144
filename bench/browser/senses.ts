/** Watches every remote picture a page shows, and listens to every remote sound it gets. The product knows nothing. */

export interface SeenFrame {
  /** When the picture was drawn, and when it is on the glass: milliseconds since the epoch. */
  drawn: number;
  shown: number;
  flash: boolean;
}

export interface Senses {
  seen: SeenFrame[];
  /** Frames without a readable stamp. */
  unreadable: number;
  /** The onsets of beeps in the received sound. */
  beeps: number[];
  /** The received sound's level (root mean square, 1 = full scale) about every 20 ms. */
  levels: { at: number; level: number }[];
  connections: RTCPeerConnection[];
}

/** Runs in the page, after `installStamp`. `source`: the page's own camera, whose preview is no remote picture. */
export function installSenses(source: number): void {
  // A frame of the page makes connections for the page.
  if (window.parent !== window && window.parent.watchConnections) {
    window.parent.watchConnections(window);
    return;
  }
  const senses: Senses = { seen: [], unreadable: 0, beeps: [], levels: [], connections: [] };
  window.senses = senses;
  const remote = new Set<MediaStreamTrack>();

  const look = (video: HTMLVideoElement): void => {
    const onFrame: VideoFrameRequestCallback = (_, frame) => {
      const stream = video.srcObject;
      if (stream instanceof MediaStream && stream.getVideoTracks().some((track) => remote.has(track))) {
        const stamp = window.stamp.read(video);
        if (!stamp) {
          senses.unreadable += 1;
        } else if (stamp.source !== source) {
          const shown = performance.timeOrigin + frame.expectedDisplayTime;
          senses.seen.push({ drawn: stamp.time, shown, flash: stamp.flash });
        }
      }
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  };

  const watched = new WeakSet<HTMLMediaElement>();
  const original = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    ...original,
    set(this: HTMLMediaElement, value: MediaProvider | null) {
      original?.set?.call(this, value);
      if (this instanceof HTMLVideoElement && !watched.has(this)) {
        watched.add(this);
        look(this);
      }
    },
  });

  const ear = `
    registerProcessor("ear", class extends AudioWorkletProcessor {
      quietSince = 0; energy = 0; samples = 0;
      process([[input]]) {
        if (!input) return true;
        const now = Date.now();
        let energy = 0;
        for (const sample of input) energy += sample * sample;
        this.energy += energy;
        this.samples += input.length;
        if (Math.sqrt(energy / input.length) > 0.15) {
          if (now - this.quietSince > 300) this.port.postMessage({ beep: now });
          this.quietSince = now;
        }
        if (this.samples >= sampleRate / 50) {
          this.port.postMessage({ at: now, level: Math.sqrt(this.energy / this.samples) });
          this.energy = this.samples = 0;
        }
        return true;
      }
    });`;
  let listening: Promise<AudioContext> | undefined;
  const openEar = async (): Promise<AudioContext> => {
    const context = new AudioContext({ sampleRate: 48_000, latencyHint: "interactive" });
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([ear], { type: "text/javascript" })));
    await context.resume();
    return context;
  };
  const listen = async (track: MediaStreamTrack): Promise<void> => {
    listening ??= openEar();
    const context = await listening;
    const node = new AudioWorkletNode(context, "ear", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }: MessageEvent<{ beep: number } | { at: number; level: number }>) => {
      if ("beep" in data) {
        senses.beeps.push(data.beep);
      } else {
        senses.levels.push(data);
      }
    };
    context.createMediaStreamSource(new MediaStream([track])).connect(node);
  };

  window.watchConnections = (one) => {
    const Original = one.RTCPeerConnection;
    one.RTCPeerConnection = class extends Original {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        senses.connections.push(this);
        this.addEventListener("track", ({ track }) => {
          remote.add(track);
          if (track.kind === "audio") {
            // Slots nobody speaks on would only cost the listening page time.
            track.addEventListener("unmute", () => void listen(track), { once: true });
          }
        });
      }
    };
  };
  window.watchConnections(window);
}

declare global {
  interface Window {
    senses: Senses;
    watchConnections: (one: Window & typeof globalThis) => void;
  }
}
