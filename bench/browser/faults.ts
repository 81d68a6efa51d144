/** One scenario of `bench.faults`: a real browser receives from aiortc, and its path is made bad; prints one JSON line. */

import { setTimeout as sleep } from "node:timers/promises";

import { BookingSystem } from "../../tests/e2e/harness/booking-system.ts";
import { block } from "../../tests/e2e/harness/firewall.ts";
import { Server } from "../../tests/e2e/harness/server.ts";
import { MeasuredPage, now } from "./page.ts";
import { type Impairment, Path } from "./path.ts";
import { People } from "./people.ts";
import { protocol, type ReceivedSample, received } from "./statistics.ts";
import { type Happened, type Sensed, watch, watchAfter } from "./watched.ts";

const DOCTOR = 1;
const PATIENT = 2;
const APPOINTMENT = "waiting_for_practitioner";
/** Time for the browser's bandwidth estimate and jitter buffer to find their level. */
const SETTLE_MS = 8000;
const LOSSY: Impairment = { loss: 0.05, delay_ms: 100 };
const SLOW: Impairment = { rate_kbps: 400, queue_ms: 300 };
const BLACKOUT_SECONDS = 10;
const WATCHED_AFTER_SECONDS = 12;
const JOIN_SECONDS = 25;
const RECOVERY_SECONDS = 30;
const SAMPLE_MS = 250;
/** Large enough for Chromium to send all three layers of it. */
const LARGE_PICTURE = { width: 960, height: 540, columns: 16, rows: 3, cell: 60 };
/** Three layers are encoded and three people decode, all on this machine: with more its processors are the limit. */
const LARGE_PICTURES_PER_SECOND = 20;

/** Patient in a browser behind a path, doctor by aiortc. */
async function withCall<Result>(act: (patient: MeasuredPage, path: Path, server: Server) => Promise<Result>) {
  const [server, path] = [await Server.start(), new Path()];
  const people = new People(server);
  const patient = await MeasuredPage.open({ source: PATIENT, path });
  try {
    const links = server.appointment(APPOINTMENT);
    await people.join({ name: "doctor", link: links.practitioner, source: DOCTOR });
    await patient.join(links.patient);
    await sleep(SETTLE_MS);
    return await act(patient, path, server);
  } finally {
    await patient.close();
    people.close();
    path.close();
    await server.stop();
  }
}

async function leg(seconds: number): Promise<object> {
  return withCall(async (patient, path) => {
    const clean = await watch(patient, seconds);
    await path.impair({ up: LOSSY, down: LOSSY });
    await sleep(SETTLE_MS);
    const lossy = await watch(patient, seconds);
    await path.impair({});
    await sleep(SETTLE_MS);
    const calm = await watchAfter(patient, WATCHED_AFTER_SECONDS);
    const rebinding = await watchAfter(patient, WATCHED_AFTER_SECONDS, () => path.changePorts());
    await path.impair({ up: { blackout: true }, down: { blackout: true } });
    await sleep(BLACKOUT_SECONDS * 1000);
    const blackout = await watchAfter(patient, WATCHED_AFTER_SECONDS, () => path.impair({}));
    return { clean, lossy, calm, rebinding, blackout };
  });
}

async function worker(): Promise<object> {
  return withCall(async (patient, _, server) => {
    const calm = await watchAfter(patient, WATCHED_AFTER_SECONDS);
    const killed = await watchAfter(patient, WATCHED_AFTER_SECONDS, () => server.kill("worker"));
    return { calm, killed };
  });
}

/** From the press to the first picture and sound; null when they never came. */
async function join(link: string): Promise<(Happened & { protocol: string }) | null> {
  const secureOrigin = new URL(link).origin;
  const patient = await MeasuredPage.open({ source: PATIENT, secureOrigin });
  try {
    await patient.person.visit(link);
    await patient.person.getReady();
    await sleep(SETTLE_MS / 4);
    const pressed = now();
    await patient.person.press("enter");
    const came = await patient.inCall(pressed, JOIN_SECONDS).then(
      () => true,
      () => false,
    );
    const moments = { harmed: pressed, ended: now(), protocol: await protocol(patient.page) };
    const sensed = { ...(await patient.sensed(pressed)), ...moments };
    return came ? sensed : null;
  } finally {
    await patient.close();
  }
}

/** The server is behind a real network and a firewall; the doctor is beside it. */
async function tcp(): Promise<object> {
  const server = await Server.start({ far: true });
  const people = new People(server, { far: true });
  const closers: (() => Promise<void>)[] = [];
  try {
    const links = server.appointment(APPOINTMENT);
    await people.join({ name: "doctor", link: links.practitioner, source: DOCTOR });
    const free = await join(links.patient);
    block({ closeLater: (close) => closers.push(close) }, "udp");
    return { free, blocked: await join(links.patient) };
  } finally {
    for (const close of closers) {
      await close();
    }
    people.close();
    await server.stop();
  }
}

interface Receivers {
  slow: MeasuredPage;
  people: People;
}

interface Sampled {
  started: number;
  samples: ReceivedSample[];
  sensed: Sensed;
  /** What the others decoded in it, by name. */
  others: Record<string, number>;
  seconds: number;
}

async function sample({ slow, people }: Receivers, seconds: number): Promise<Sampled> {
  const started = now();
  const before = await people.frames();
  const samples: ReceivedSample[] = [];
  while (now() - started < seconds * 1000) {
    samples.push(await received(slow.page));
    await sleep(SAMPLE_MS);
  }
  const after = await people.frames();
  const others = Object.fromEntries(
    Object.entries(after).map(([name, frames]) => [name, frames - (before[name] ?? 0)]),
  );
  const sensed = await slow.sensed(started);
  return { started, samples, sensed, others, seconds: (now() - started) / 1000 };
}

/** A page that sends all layers; three who receive it, of whom one is limited: the browser. */
async function slow(seconds: number): Promise<object> {
  const [server, path] = [await Server.start(), new Path()];
  const people = new People(server);
  const pages: MeasuredPage[] = [];
  const open = async (choices: Parameters<typeof MeasuredPage.open>[0]): Promise<MeasuredPage> => {
    const page = await MeasuredPage.open(choices);
    pages.push(page);
    return page;
  };
  try {
    const links = await (await BookingSystem.connect(server)).book([
      { id: "doctor", role: "practitioner", name: "Doctor" },
      { id: "patient", role: "patient", name: "Patient" },
      { id: "interpreter", role: "interpreter", name: "Interpreter" },
      { id: "relative", role: "related_person", name: "Relative" },
    ]);
    const link = (name: string): string => links.get(name) ?? "";
    const doctor = await open({
      source: DOCTOR,
      picture: LARGE_PICTURE,
      framesPerSecond: LARGE_PICTURES_PER_SECOND,
    });
    await doctor.person.visit(link("doctor"));
    await doctor.person.enter();
    await doctor.person.isInside();
    for (const name of ["interpreter", "relative"]) {
      await people.join({ name, link: link(name), sends: false, slots: 2 });
    }
    const patient = await open({ source: PATIENT, path, picture: null });
    await patient.join(link("patient"));
    await sleep(2 * SETTLE_MS);
    const receivers = { slow: patient, people };
    const clean = await sample(receivers, seconds);
    await path.impair({ down: SLOW });
    const limited = await sample(receivers, seconds);
    await path.impair({});
    const freed = await sample(receivers, RECOVERY_SECONDS);
    return { clean, limited, freed };
  } finally {
    for (const page of pages) {
      await page.close();
    }
    people.close();
    path.close();
    await server.stop();
  }
}

const SCENARIOS: Record<string, (seconds: number) => Promise<object>> = { leg, worker, tcp, slow };
const [name = "", seconds = "20"] = process.argv.slice(2);
const scenario = SCENARIOS[name];
if (!scenario) {
  throw new Error(`one of ${Object.keys(SCENARIOS).join(", ")}`);
}
process.stderr.write(`${name}\n`);
console.log(JSON.stringify(await scenario(Number(seconds))));
