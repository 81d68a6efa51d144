/** Breaks one thing in a running call and watches; prints what was measured as one JSON line for `bench.recovery`. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Consultation, type ConsultationChoices } from "./consultation.ts";
import { type MeasuredPage, now } from "./page.ts";

const SETTLE_MS = 5000;
const LOOK_EVERY_MS = 100;
const SERVICE_ADDRESS = process.env.KONSILIUM_SERVICE_ADDRESS ?? "";
const CLIENT = process.env.KONSILIUM_CLIENT_NAMESPACE ?? "";
const LINKS = { wifi: "10.99.1.1", mobile: "10.99.2.1" };

interface Breakage {
  choices: ConsultationChoices;
  prepare: () => void;
  harm: (consultation: Consultation) => void;
  restore: () => void;
}

/** The patient's interface goes away and another comes, as when a phone leaves the house. */
const networkChange: Breakage = {
  choices: {
    server: { announce: ["127.0.0.1", SERVICE_ADDRESS], arguments: ["--host", "0.0.0.0"] },
    patientHost: SERVICE_ADDRESS,
    patient: { program: join(import.meta.dirname, "chromium-in-client-namespace") },
  },
  prepare: () => link("mobile", "down"),
  harm: () => {
    link("wifi", "down");
    link("mobile", "up");
  },
  restore: () => {
    link("wifi", "up");
    link("mobile", "up");
  },
};

function killing(role: "server" | "worker"): Breakage {
  return {
    choices: {},
    prepare: () => undefined,
    harm: ({ server }) => server.kill(role),
    restore: () => undefined,
  };
}

const BREAKAGES: Record<string, Breakage> = {
  worker_killed: killing("worker"),
  server_killed: killing("server"),
  network_change: networkChange,
};

function link(name: keyof typeof LINKS, state: "up" | "down"): void {
  ip("link", "set", name, state);
  if (state === "up") {
    // A link that goes down takes its routes with it.
    ip("route", "replace", "default", "via", LINKS[name], "metric", name === "wifi" ? "100" : "101");
  }
}

function ip(...words: string[]): void {
  execFileSync("ip", ["-n", CLIENT, ...words]);
}

/** When the page said last that something is wrong with its connection; 0 = never. */
async function lastComplaint(measured: MeasuredPage, stop: AbortSignal): Promise<number> {
  let last = 0;
  while (!stop.aborted) {
    if (await measured.person.finds("[data-line=connection]")) {
      last = now();
    }
    await sleep(LOOK_EVERY_MS);
  }
  return last;
}

async function breakOnce(breakage: Breakage, seconds: number): Promise<object> {
  breakage.prepare();
  const consultation = await Consultation.open(breakage.choices);
  try {
    const patient = await consultation.patientJoins(breakage.choices.patient);
    await sleep(SETTLE_MS);
    const sides = { patient, doctor: consultation.doctor };
    const harmed = now();
    breakage.harm(consultation);
    const observed = Object.entries(sides).map(async ([name, measured]) => {
      const complained = await lastComplaint(measured, AbortSignal.timeout(seconds * 1000));
      return [name, { ...(await measured.sensed(harmed)), complained }];
    });
    return { harmed, ended: harmed + seconds * 1000, ...Object.fromEntries(await Promise.all(observed)) };
  } finally {
    await consultation.close();
    breakage.restore();
  }
}

const [name = "", repetitions = "3", seconds = "15"] = process.argv.slice(2);
const breakage = BREAKAGES[name];
if (!breakage) {
  throw new Error(`one of ${Object.keys(BREAKAGES).join(", ")}`);
}
const runs: object[] = [];
while (runs.length < Number(repetitions)) {
  runs.push(await breakOnce(breakage, Number(seconds)));
  process.stderr.write(`\r${name}: ${runs.length} of ${repetitions}`);
}
process.stderr.write("\n");
console.log(JSON.stringify({ runs }));
