/** Breaks one thing in a running call and watches; prints what was measured as one JSON line for `bench.recovery`. */

import { setTimeout as sleep } from "node:timers/promises";

import { block } from "../../tests/e2e/harness/firewall.ts";
import { changeNetwork, clientProgram, SERVICE_ADDRESS, setLink } from "../../tests/e2e/harness/networks.ts";
import { FAR_ADDRESS } from "../../tests/e2e/harness/server.ts";
import { Consultation, type ConsultationChoices } from "./consultation.ts";
import { type MeasuredPage, now } from "./page.ts";

const SETTLE_MS = 5000;
const LOOK_EVERY_MS = 100;

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
    patient: { program: clientProgram("chromium") },
  },
  prepare: () => setLink("mobile", "down"),
  harm: () => changeNetwork("wifi", "mobile"),
  restore: () => {
    setLink("wifi", "up");
    setLink("mobile", "up");
  },
};

const unblock: (() => Promise<void>)[] = [];

/** A firewall between the people and the server begins to drop UDP, as on coming into a hospital's network. */
const udpBlocked: Breakage = {
  choices: { server: { far: true }, patientHost: FAR_ADDRESS, doctorHost: FAR_ADDRESS },
  prepare: () => undefined,
  harm: () => block({ closeLater: (close) => unblock.push(close) }, "udp"),
  restore: () => {
    for (const open of unblock.splice(0)) {
      void open();
    }
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
  udp_blocked: udpBlocked,
};

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
