/** The main job: patient and doctor open their links, see and hear each other. Each browser with each. */

import assert from "node:assert/strict";

import { ru as words } from "../../web/src/ui/words/ru.ts";
import type { BrowserKind } from "./harness/browsers.ts";
import { seeAndHear } from "./harness/consultation.ts";
import { liveTracks, remotePicture, silent, sounds } from "./harness/media.ts";
import { Person } from "./harness/person.ts";
import { story } from "./harness/stage.ts";
import { until } from "./harness/waiting.ts";

const KINDS: readonly BrowserKind[] = ["chromium", "firefox"];
const TILE = "[data-tile]";

for (const patientKind of KINDS) {
  for (const doctorKind of KINDS) {
    story(`patient in ${patientKind}, doctor in ${doctorKind}: see, hear, mute, leave`, async (stage) => {
      const server = await stage.server();
      const appointment = server.appointment("waiting_for_practitioner");
      const patient = new Person(await stage.open("patient", patientKind));
      const doctor = new Person(await stage.open("doctor", doctorKind));

      await patient.visit(appointment.patient);
      await patient.enter();
      await patient.readsSoon("h1", words.waitingNow.title);
      await doctor.visit(appointment.practitioner);
      await doctor.enter();
      await Promise.all([patient.isInside(), doctor.isInside()]);
      await seeAndHear(patient, doctor);

      const muted = words.room.theirMicrophoneOff;
      assert.equal((await patient.reads(TILE)).includes(muted), false);
      await doctor.press("microphone");
      await patient.readsSoon(TILE, muted);
      await silent(patient.page);
      await doctor.press("microphone");
      await until("end of the mute", 20, async () => !(await patient.reads(TILE)).includes(muted));
      await sounds(patient.page);

      await patient.leave();
      await patient.readsSoon("h1", words.over.left.title);
      await until("freed devices", 10, async () => (await liveTracks(patient.page)) === 0);
      await doctor.seesNoMore(TILE);
      assert.equal(await remotePicture(doctor.page), "");
    });
  }
}
