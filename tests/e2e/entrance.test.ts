/** The door: every verdict has its page, and it opens by itself when it may. */

import assert from "node:assert/strict";

import { ru as words } from "../../web/src/ui/words/ru.ts";
import { moves } from "./harness/media.ts";
import { Person } from "./harness/person.ts";
import { story } from "./harness/stage.ts";

type Verdict = keyof typeof words.verdicts;

const PATIENCE = 20;

const verdict = (code: string): string => `[data-verdict="${code}"]`;

story("every verdict has its page", async (stage) => {
  const server = await stage.server();
  const patient = new Person(await stage.open("patient", "chromium"));
  const shown = server.ready.links.filter((link) => link.role === "patient");
  for (const link of shown) {
    await patient.visit(link.url);
    await patient.sees(verdict(link.state));
    await patient.readsSoon("h1", words.verdicts[link.state as Verdict].title);
  }
  const states = new Set(shown.map((link) => link.state));
  const missing = Object.keys(words.verdicts).filter((code) => !states.has(code));
  assert.deepEqual(missing, []);
});

story("a payment that arrives opens the door within two seconds", async (stage) => {
  const server = await stage.server();
  const appointment = server.appointment("payment_required");
  const patient = new Person(await stage.open("patient", "chromium"));
  await patient.visit(appointment.patient);
  await patient.sees(verdict("payment_required"));

  await server.act(appointment.id, "pay");
  await patient.seesNoMore(verdict("payment_required"), 2);
  await patient.sees(verdict("waiting_for_practitioner"));
  await patient.getReady();
});

story("the door opens by the clock, and who is ready enters without a further press", async (stage) => {
  const server = await stage.server();
  const appointment = server.appointment("too_early");
  const patient = new Person(await stage.open("patient", "chromium"));
  const doctor = new Person(await stage.open("doctor", "chromium"));
  await patient.visit(appointment.patient);
  await patient.sees(verdict("too_early"));
  await patient.sees('[data-devices="ready"]');

  const token = new URL(appointment.patient).pathname.split("/").at(-1);
  const session = await server.post<{ verdict: { wait_seconds: number } }>("/api/v1/sessions", { token });
  const stillToWait = 4;
  await server.moveClock((session.verdict.wait_seconds - stillToWait) / 60);
  await patient.sees(verdict("too_early"));
  await patient.seesNoMore(verdict("too_early"), stillToWait + PATIENCE);

  await doctor.visit(appointment.practitioner);
  await doctor.enter();
  await patient.isInside();
  await Promise.all([moves(patient.page), moves(doctor.page)]);
});

story("from the link to the picture it takes at most three presses", async (stage) => {
  const server = await stage.server();
  const appointment = server.appointment("waiting_for_practitioner");
  const doctor = new Person(await stage.open("doctor", "chromium"));
  const patient = new Person(await stage.open("patient", "chromium"));
  await doctor.visit(appointment.practitioner);
  await doctor.enter();
  await patient.visit(appointment.patient);
  await patient.enter();
  await Promise.all([moves(patient.page), moves(doctor.page)]);
  assert.ok(patient.presses <= 3, `${patient.presses} presses`);
  assert.ok(doctor.presses <= 3, `${doctor.presses} presses`);
});
