/**
 * A camera and a microphone that tell the time: every frame carries the wall clock as a row of black and white
 * blocks, and a tone sounds in the first tenth of every second. On one machine every page has the same clock, so
 * whoever receives a frame or a tone knows how old it is.
 */

import type { Page } from "puppeteer-core";

export interface StampReader {
  /** The moment, in ms since 1970, that the remote picture on show was taken; null when none can be read. */
  readonly read: () => number | null;
  /** Age in ms of each remote frame when it was shown, since the last call. */
  readonly ages: () => number[];
  /** Delay in ms of each tone's beginning, since the last call. */
  readonly toneDelays: () => number[];
  /** When the person last pressed something, in ms since 1970. */
  pressed: number;
  /** The first frame on show that was taken after the press: when it was shown, in ms since 1970. */
  firstFrameAfterPress: number | null;
}

declare global {
  interface Window {
    stamps: StampReader;
  }
}

/** Replaces the page's camera and microphone; puts `window.stamps` into it. Before the page's own scripts run. */
export async function stampCamera(page: Page): Promise<void> {
  await page.setBypassCSP(true);
  await page.evaluateOnNewDocument(install);
}

function install(): void {
  const WIDTH = 640;
  const HEIGHT = 360;
  const BLOCK = 20;
  const BITS = 32;
  const FRAMES_PER_SECOND = 30;
  // A Date fits 41 bits; the lower 24 (4.6 hours) and their complement make 48. Only the stamp's row is ever read.
  const STAMP_BITS = 24;
  const CHECK_BITS = BITS - STAMP_BITS;
  const SPAN = 2 ** STAMP_BITS;

  const check = (value: number): number => (value ^ (value >> 8) ^ (value >> 16) ^ 0xa5) & (2 ** CHECK_BITS - 1);

  const generator = `registerProcessor("beeper", class extends AudioWorkletProcessor {
    process(_, [output]) {
      const now = Date.now();
      output[0].forEach((_, index, samples) => {
        const moment = now + (index * 1000) / sampleRate;
        const at = (currentFrame + index) / sampleRate;
        samples[index] = moment % 1000 < 100 ? 0.5 * Math.sin(2 * Math.PI * 1000 * at) : 0;
      });
      return true;
    }
  });`;
  const detector = `registerProcessor("detector", class extends AudioWorkletProcessor {
    quiet = 0;
    process([input]) {
      const samples = input[0];
      if (!samples) { this.quiet += 128; return true; }
      const now = Date.now();
      const onset = samples.findIndex((sample) => Math.abs(sample) > 0.1);
      if (onset < 0) { this.quiet += samples.length; return true; }
      if (this.quiet > sampleRate / 2) { this.port.postMessage(now + (onset * 1000) / sampleRate); }
      this.quiet = 0;
      return true;
    }
  });`;

  const load = async (context: AudioContext, source: string): Promise<void> => {
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  };

  const drawStamp = (context: CanvasRenderingContext2D, now: number): void => {
    const value = now % SPAN;
    const bits = [value, check(value)];
    for (let bit = 0; bit < BITS; bit += 1) {
      const [word, place] = bit < STAMP_BITS ? [bits[0] ?? 0, bit] : [bits[1] ?? 0, bit - STAMP_BITS];
      context.fillStyle = (word >> place) & 1 ? "#fff" : "#000";
      context.fillRect(bit * BLOCK, 0, BLOCK, BLOCK);
    }
  };

  const makeCamera = (): MediaStreamTrack => {
    const canvas = document.createElement("canvas");
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const context = canvas.getContext("2d");
    if (!context) {
      throw new Error("no canvas");
    }
    const draw = (): void => {
      const now = Date.now();
      // Something that moves, so that the encoder works as hard as for a person who talks.
      for (let stripe = 0; stripe < 16; stripe += 1) {
        context.fillStyle = `hsl(${(stripe * 24 + now / 40) % 360} 40% ${40 + 20 * Math.sin(now / 700 + stripe)}%)`;
        context.fillRect(stripe * 40, BLOCK, 40, HEIGHT - BLOCK);
      }
      context.fillStyle = "#fff";
      context.beginPath();
      context.arc(320 + 200 * Math.sin(now / 600), 200 + 90 * Math.cos(now / 800), 50, 0, 7);
      context.fill();
      drawStamp(context, now);
    };
    draw();
    setInterval(draw, 1000 / FRAMES_PER_SECOND);
    const track = canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks()[0];
    if (!track) {
      throw new Error("no track");
    }
    return track;
  };

  const makeMicrophone = async (): Promise<MediaStreamTrack> => {
    const context = new AudioContext({ sampleRate: 48_000 });
    await load(context, generator);
    const destination = context.createMediaStreamDestination();
    new AudioWorkletNode(context, "beeper").connect(destination);
    const track = destination.stream.getAudioTracks()[0];
    if (!track) {
      throw new Error("no track");
    }
    return track;
  };

  const devices = navigator.mediaDevices;
  devices.getUserMedia = async (constraints) => {
    const stream = new MediaStream();
    if (constraints?.audio) {
      stream.addTrack(await makeMicrophone());
    }
    if (constraints?.video) {
      stream.addTrack(makeCamera());
    }
    return stream;
  };

  const remoteTracks = new Set<MediaStreamTrack>();
  const toneDelays: number[] = [];
  const listen = async (track: MediaStreamTrack): Promise<void> => {
    const context = new AudioContext({ sampleRate: 48_000 });
    await load(context, detector);
    const node = new AudioWorkletNode(context, "detector");
    node.port.onmessage = (event: MessageEvent<number>) => toneDelays.push(event.data % 1000);
    context.createMediaStreamSource(new MediaStream([track])).connect(node);
  };
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener("track", (event) => {
        remoteTracks.add(event.track);
        if (event.track.kind === "audio") {
          void listen(event.track);
        }
      });
    }
  };

  const row = new OffscreenCanvas(WIDTH, BLOCK).getContext("2d", { willReadFrequently: true });
  const decode = (video: HTMLVideoElement): number | null => {
    if (!row || video.readyState < 2 || video.videoWidth === 0) {
      return null;
    }
    const height = (BLOCK * video.videoHeight) / HEIGHT;
    row.drawImage(video, 0, 0, video.videoWidth, height, 0, 0, WIDTH, BLOCK);
    const pixels = row.getImageData(0, BLOCK / 2, WIDTH, 1).data;
    let value = 0;
    let sum = 0;
    for (let bit = 0; bit < BITS; bit += 1) {
      const white = (pixels[(bit * BLOCK + BLOCK / 2) * 4 + 1] ?? 0) > 127 ? 1 : 0;
      if (bit < STAMP_BITS) {
        value |= white << bit;
      } else {
        sum |= white << (bit - STAMP_BITS);
      }
    }
    if (sum !== check(value)) {
      return null;
    }
    const now = Date.now();
    return now - ((((now - value) % SPAN) + SPAN) % SPAN);
  };

  const remoteVideo = (): HTMLVideoElement | null =>
    [...document.querySelectorAll("video")].find(
      (video) =>
        video.srcObject instanceof MediaStream &&
        video.srcObject.getVideoTracks().some((each) => remoteTracks.has(each)),
    ) ?? null;

  const ages: number[] = [];
  const stamps = {
    pressed: 0,
    firstFrameAfterPress: null as number | null,
    read: () => {
      const video = remoteVideo();
      return video && decode(video);
    },
    ages: () => ages.splice(0),
    toneDelays: () => toneDelays.splice(0),
  };
  window.stamps = stamps;

  const watched = new WeakSet<HTMLVideoElement>();
  const frameShown = (video: HTMLVideoElement): void => {
    const taken = decode(video);
    const now = Date.now();
    if (taken !== null) {
      ages.push(now - taken);
      if (stamps.pressed > 0 && stamps.firstFrameAfterPress === null && taken >= stamps.pressed) {
        stamps.firstFrameAfterPress = now;
      }
    }
    video.requestVideoFrameCallback(() => frameShown(video));
  };
  const look = (): void => {
    const video = remoteVideo();
    if (video && !watched.has(video)) {
      watched.add(video);
      frameShown(video);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);

  addEventListener(
    "click",
    () => {
      stamps.pressed = Date.now();
      stamps.firstFrameAfterPress = null;
    },
    { capture: true },
  );
}
