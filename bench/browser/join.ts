/** Joins again and again, each time with a clean browser; prints what was measured as one JSON line for `bench.join`. */

import { setTimeout as sleep } from "node:timers/promises";

import { Consultation, PATIENT } from "./consultation.ts";
import type { Marks, Step } from "./marks.ts";
import { MeasuredPage } from "./page.ts";

/** A person looks at the page for a moment before the press; the browser has finished starting by then. */
const LOOK_MS = 1500;
const FIRST_FRAME_SECONDS = 30;

type Join = Partial<Record<Step | "shown" | "drawn", number>>;

async function measureJoin(consultation: Consultation): Promise<Join> {
  const patient = await MeasuredPage.open({ source: PATIENT });
  try {
    const { person, page } = patient;
    await person.visit(consultation.patientLink);
    await person.getReady();
    await sleep(LOOK_MS);
    await person.press("enter");
    const firstFrame = await page.waitForFunction(
      () => {
        const { pressed } = window.marks.at;
        return pressed === undefined ? undefined : window.senses.seen.find((frame) => frame.drawn > pressed);
      },
      { timeout: FIRST_FRAME_SECONDS * 1000, polling: 200 },
    );
    const { shown, drawn } = (await firstFrame.jsonValue()) ?? {};
    const marks: Marks = await page.evaluate(() => window.marks);
    if (marks.early > 0) {
      throw new Error(`${marks.early} connections were open before the press`);
    }
    await person.leave();
    return { ...marks.at, ...(shown && drawn ? { shown, drawn } : {}) };
  } finally {
    await patient.close();
  }
}

const count = Number(process.argv[2] ?? 40);
const consultation = await Consultation.open();
try {
  const joins: Join[] = [];
  while (joins.length < count) {
    joins.push(await measureJoin(consultation));
    process.stderr.write(`\r${joins.length} of ${count} joins`);
  }
  process.stderr.write("\n");
  console.log(JSON.stringify({ joins }));
} finally {
  await consultation.close();
}
