/**
 * One call on a good path, then one side's down-link limited, then the same browsers connected directly; prints what
 * was measured as one JSON line for `bench.call`.
 */

import { setTimeout as sleep } from "node:timers/promises";

import { Consultation } from "./consultation.ts";
import { DirectCall } from "./direct.ts";
import { type Impairment, Path } from "./path.ts";
import { type Watched, watch } from "./watched.ts";

/** Time for the browsers' bandwidth estimates to find their level before anything is counted. */
const SETTLE_MS = 10_000;
const DIRECT_SECONDS = 20;

const [seconds, limitedSeconds] = [Number(process.argv[2] ?? 60), Number(process.argv[3] ?? 60)];
const limit: Impairment = JSON.parse(process.argv[4] ?? '{"rate_kbps":1000}');

async function throughOurServer(): Promise<object> {
  const path = new Path();
  const consultation = await Consultation.open();
  try {
    process.stderr.write(`good path: ${seconds} s\n`);
    await consultation.patientJoins();
    await sleep(SETTLE_MS);
    const [patient, doctor] = await Promise.all([
      watch(consultation.patient, seconds),
      watch(consultation.doctor, seconds),
    ]);
    await consultation.patientLeaves();

    process.stderr.write(`limited path: ${limitedSeconds} s\n`);
    await consultation.patientJoins({ path });
    await sleep(SETTLE_MS);
    await path.impair({ down: limit });
    const limited = await watch(consultation.patient, limitedSeconds);
    const { down } = await path.report();
    return { patient, doctor, limited, limited_path: down };
  } finally {
    await consultation.close();
    path.close();
  }
}

async function directly(): Promise<Watched> {
  process.stderr.write(`the browsers alone: ${DIRECT_SECONDS} s\n`);
  const call = await DirectCall.open();
  try {
    await sleep(SETTLE_MS);
    return await watch(call.caller, DIRECT_SECONDS);
  } finally {
    await call.close();
  }
}

const ours = await throughOurServer();
console.log(JSON.stringify({ ...ours, direct: await directly() }));
