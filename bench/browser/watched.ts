/** A page watched for a while, and a page watched through something that happened to it. */

import { setTimeout as sleep } from "node:timers/promises";

import { type MeasuredPage, now } from "./page.ts";
import { type Statistics, statistics } from "./statistics.ts";

export type Sensed = Awaited<ReturnType<MeasuredPage["sensed"]>>;

export interface Watched extends Sensed {
  seconds: number;
  before: Statistics;
  after: Statistics;
}

export interface Happened extends Sensed {
  /** When it happened, and until when the page was watched: milliseconds since the epoch. */
  harmed: number;
  ended: number;
}

export async function watch(measured: MeasuredPage, seconds: number): Promise<Watched> {
  const since = now();
  const before = await statistics(measured.page);
  await sleep(seconds * 1000);
  const after = await statistics(measured.page);
  return { ...(await measured.sensed(since)), seconds: (now() - since) / 1000, before, after };
}

/** `happen` comes first; then the page is watched for so many seconds. */
export async function watchAfter(
  measured: MeasuredPage,
  seconds: number,
  happen: () => unknown = () => undefined,
): Promise<Happened> {
  const harmed = now();
  await happen();
  await sleep(seconds * 1000);
  return { ...(await measured.sensed(harmed)), harmed, ended: now() };
}
