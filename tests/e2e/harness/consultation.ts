/** What most stories begin with: a server, and two people in one room who see and hear each other. */

import type { BrowserChoices, BrowserKind } from "./browsers.ts";
import { moves, sounds } from "./media.ts";
import { Person } from "./person.ts";
import type { DemoAppointment, Server, ServerChoices } from "./server.ts";
import type { Stage } from "./stage.ts";

export interface Consultation {
  server: Server;
  patient: Person;
  doctor: Person;
  appointment: DemoAppointment;
}

export interface ConsultationChoices {
  server?: ServerChoices;
  patient?: BrowserKind;
  browser?: BrowserChoices;
}

export async function consultation(stage: Stage, choices: ConsultationChoices = {}): Promise<Consultation> {
  const server = await stage.server(choices.server);
  const appointment = server.appointment("waiting_for_practitioner");
  const browser = { secureOrigin: new URL(server.url).origin, ...choices.browser };
  const patient = new Person(await stage.open("patient", choices.patient ?? "chromium", browser));
  const doctor = new Person(await stage.open("doctor", "chromium", browser));
  await doctor.visit(appointment.practitioner);
  await doctor.enter();
  await doctor.isInside();
  await patient.visit(appointment.patient);
  await patient.enter();
  await patient.isInside();
  await seeAndHear(patient, doctor);
  return { server, patient, doctor, appointment };
}

export async function seeAndHear(...people: Person[]): Promise<void> {
  await Promise.all(people.flatMap(({ page }) => [moves(page, 30), sounds(page, 30)]));
}
