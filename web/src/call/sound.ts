let shared: AudioContext | null = null;

/** One audio context a page: browsers allow few, and each costs battery. Null where there is none. */
export function audioContext(): AudioContext | null {
  if (shared === null && typeof AudioContext === "function") shared = new AudioContext();
  if (shared?.state === "suspended") void shared.resume().catch(() => {});
  return shared;
}

/** Two soft tones: falling when the connection is lost, rising when it is back. */
export function playTones(tones: readonly [number, number]): void {
  const context = audioContext();
  if (context?.state !== "running") return;
  tones.forEach((frequency, index) => {
    const start = context.currentTime + index * 0.16;
    const tone = new OscillatorNode(context, { type: "sine", frequency });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setTargetAtTime(0.06, start, 0.02);
    volume.gain.setTargetAtTime(0, start + 0.12, 0.05);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.5);
  });
}

export const LOST_TONES = [523, 392] as const;
export const BACK_TONES = [392, 523] as const;

/**
 * Measures how loud a microphone is, 0 to 1, a few times a second. Listens to a clone, so it hears a muted
 * microphone too (needed to say «Вы без звука» to somebody who speaks). The returned function frees everything.
 */
export function measureLevel(track: MediaStreamTrack, told: (level: number) => void): () => void {
  const context = audioContext();
  if (!context) return () => {};
  const clone = track.clone();
  clone.enabled = true;
  const source = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([clone]) });
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    told(loudness(samples));
  }, 80);
  return () => {
    clearInterval(timer);
    source.disconnect();
    clone.stop();
  };
}

/** Root mean square on a scale of decibels: −60 dB is 0, −10 dB is 1. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, (decibels + 60) / 50));
}
