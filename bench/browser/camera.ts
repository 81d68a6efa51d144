/**
 * A camera and a microphone whose output can be measured: `getUserMedia` gives a picture with a stamp over a moving
 * texture, and a quiet tone with a loud beep at every full second. The picture carries the flash while it beeps.
 */

export interface CameraChoices {
  source: number;
  framesPerSecond: number;
  /** There is none, only the microphone. */
  absent: boolean;
}

export const BEEP = { everyMs: 1000, lengthMs: 100 };

/** Runs in the page, after `installStamp`. */
export function installCamera(
  choices: CameraChoices,
  picture: { width: number; height: number },
  beep: typeof BEEP,
): void {
  const texture = (): HTMLCanvasElement => {
    const canvas = document.createElement("canvas");
    canvas.width = picture.width * 2;
    canvas.height = picture.height;
    const context = canvas.getContext("2d");
    for (let index = 0; context && index < 600; index += 1) {
      // The same "random" pattern in each run, and seamless where it wraps.
      const x = (index * 7919) % picture.width;
      const y = (index * 104_729) % picture.height;
      context.fillStyle = `hsl(${(index * 37) % 360} 60% ${30 + (index % 40)}%)`;
      context.fillRect(x, y, 8 + (index % 50), 8 + (index % 30));
      context.fillRect(x + picture.width, y, 8 + (index % 50), 8 + (index % 30));
    }
    return canvas;
  };

  const film = (): MediaStreamTrack => {
    const canvas = document.createElement("canvas");
    canvas.width = picture.width;
    canvas.height = picture.height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks() as CanvasCaptureMediaStreamTrack[];
    if (!context || !track) {
      throw new DOMException("no canvas", "NotReadableError");
    }
    const background = texture();
    const timer = setInterval(() => {
      if (track.readyState === "ended") {
        clearInterval(timer);
        return;
      }
      const time = window.stamp.now();
      context.drawImage(background, -((time / 10) % picture.width), 0);
      window.stamp.draw(context, { time, source: choices.source, flash: time % beep.everyMs < beep.lengthMs });
      track.requestFrame();
    }, 1000 / choices.framesPerSecond);
    return track;
  };

  const voice = `
    registerProcessor("voice", class extends AudioWorkletProcessor {
      process(_, [output]) {
        const loud = Date.now() % ${beep.everyMs} < ${beep.lengthMs};
        const [pitch, level] = loud ? [1500, 0.5] : [440, 0.02];
        for (let index = 0; index < 128; index += 1) {
          const sample = level * Math.sin(2 * Math.PI * pitch * (currentFrame + index) / sampleRate);
          for (const channel of output) channel[index] = sample;
        }
        return true;
      }
    });`;

  const speak = async (): Promise<MediaStreamTrack> => {
    const context = new AudioContext({ sampleRate: 48_000, latencyHint: "interactive" });
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([voice], { type: "text/javascript" })));
    const out = context.createMediaStreamDestination();
    new AudioWorkletNode(context, "voice", { numberOfInputs: 0, outputChannelCount: [1] }).connect(out);
    await context.resume();
    const [track] = out.stream.getAudioTracks();
    if (!track) {
      throw new DOMException("no sound", "NotReadableError");
    }
    return track;
  };

  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const tracks: MediaStreamTrack[] = [];
    if (wanted?.audio) {
      tracks.push(await speak());
    }
    if (wanted?.video && choices.absent) {
      throw new DOMException("no camera", "NotFoundError");
    }
    if (wanted?.video) {
      tracks.push(film());
    }
    return new MediaStream(tracks);
  };
}
