/** Patient and doctor in one room of a real server, both measured. */

import { Server, type ServerChoices } from "../../tests/e2e/harness/server.ts";
import { MeasuredPage, now, type PageChoices } from "./page.ts";

export const DOCTOR = 1;
export const PATIENT = 2;
const APPOINTMENT = "waiting_for_practitioner";

export interface ConsultationChoices {
  server?: ServerChoices;
  patient?: Omit<PageChoices, "source">;
  /** The address by which the patient's browser reaches the server, when that is not localhost. */
  patientHost?: string;
  doctorHost?: string;
}

export class Consultation {
  readonly server: Server;
  readonly doctor: MeasuredPage;
  readonly patientLink: string;
  #patient: MeasuredPage | undefined;

  private constructor(server: Server, doctor: MeasuredPage, patientLink: string) {
    this.server = server;
    this.doctor = doctor;
    this.patientLink = patientLink;
  }

  /** Starts a server, and the doctor goes in and waits. */
  static async open(choices: Omit<ConsultationChoices, "patient"> = {}): Promise<Consultation> {
    const server = await Server.start(choices.server);
    const links = server.appointment(APPOINTMENT);
    const doctorLink = at(choices.doctorHost ?? "localhost", links.practitioner);
    const doctor = await MeasuredPage.open({ source: DOCTOR, secureOrigin: new URL(doctorLink).origin });
    try {
      await doctor.person.visit(doctorLink);
      await doctor.person.enter();
      await doctor.person.isInside();
      return new Consultation(server, doctor, at(choices.patientHost ?? "localhost", links.patient));
    } catch (error) {
      await doctor.close();
      await server.stop();
      throw error;
    }
  }

  get patient(): MeasuredPage {
    if (!this.#patient) {
      throw new Error("no patient yet");
    }
    return this.#patient;
  }

  /** A patient with a clean profile comes in; both see and hear each other at the end. */
  async patientJoins(choices: Omit<PageChoices, "source"> = {}): Promise<MeasuredPage> {
    const secureOrigin = new URL(this.patientLink).origin;
    const patient = await MeasuredPage.open({ source: PATIENT, secureOrigin, ...choices });
    this.#patient = patient;
    await patient.join(this.patientLink);
    await this.doctor.inCall(now());
    return patient;
  }

  async patientLeaves(): Promise<void> {
    await this.patient.person.leave();
    await this.patient.close();
    this.#patient = undefined;
  }

  async close(): Promise<void> {
    await this.#patient?.close();
    await this.doctor.close();
    await this.server.stop();
  }
}

function at(host: string, link: string): string {
  const url = new URL(link);
  url.hostname = host;
  return url.href;
}
