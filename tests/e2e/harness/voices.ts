/** A microphone into which somebody speaks: a file that Chromium plays in the place of its beep. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Stage } from "./stage.ts";

const SAMPLES_PER_SECOND = 48_000;
const SECONDS = 12;
/** Of the voice itself, and of the syllables: those of a man who speaks slowly. */
const PITCH = 120;
const SYLLABLES_PER_SECOND = 4;
/** Every few seconds a breath is taken. */
const PHRASE_SECONDS = 3;
const BREATH_SECONDS = 0.5;
const HARMONICS = 24;
const LOUDNESS = 0.25;
const HEADER_OCTETS = 44;

/** The browser's arguments for it; the file goes with the test. */
export async function speaking(stage: Stage): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "konsilium-voice-"));
  stage.closeLater(() => rm(folder, { recursive: true }));
  const path = join(folder, "voice.wav");
  await writeFile(path, wave(voice));
  return [`--use-file-for-fake-audio-capture=${path}`];
}

/** Between -1 and 1, at a moment in seconds. */
function voice(moment: number): number {
  if (moment % PHRASE_SECONDS > PHRASE_SECONDS - BREATH_SECONDS) return 0;
  const syllable = Math.abs(Math.sin(Math.PI * SYLLABLES_PER_SECOND * moment));
  let sum = 0;
  for (let harmonic = 1; harmonic <= HARMONICS; harmonic += 1) {
    sum += Math.sin(2 * Math.PI * PITCH * harmonic * moment) / harmonic;
  }
  return LOUDNESS * syllable * sum;
}

/** RIFF WAVE, PCM of 16 bits, one channel. */
function wave(at: (moment: number) => number): Buffer {
  const samples = SAMPLES_PER_SECOND * SECONDS;
  const file = Buffer.alloc(HEADER_OCTETS + 2 * samples);
  file.write("RIFF", 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  file.writeUInt32LE(2 * SAMPLES_PER_SECOND, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(2 * samples, 40);
  for (let index = 0; index < samples; index += 1) {
    file.writeInt16LE(Math.round(32_767 * at(index / SAMPLES_PER_SECOND)), HEADER_OCTETS + 2 * index);
  }
  return file;
}
