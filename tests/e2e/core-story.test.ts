/** The main job: patient and doctor open their links, see and hear each other. Each browser with each. */

import assert from "node:assert/strict";

import type { BrowserKind } from "./harness/browsers.ts";
import { liveTracks, moves, remotePicture, silent, sounds } from "./harness/media.ts";
import { Person, words } from "./harness/person.ts";
import { story } from "./harness/stage.ts";
import { until } from "./harness/waiting.ts";

const KINDS: readonly BrowserKind[] = ["chromium", "firefox"];

for (const patientKind of KINDS) {
  for (const doctorKind of KINDS) {
    story(`patient in ${patientKind}, doctor in ${doctorKind}: see, hear, mute, leave`, async (stage) => {
      const server = await stage.server();
      const appointment = server.appointment("waiting_for_practitioner");
      const patient = new Person(await stage.open("patient", patientKind));
      const doctor = new Person(await stage.open("doctor", doctorKind));

      await patient.visit(appointment.patient);
      await patient.enter();
      await patient.sees(words.waitingNow.title);
      await doctor.visit(appointment.practitioner);
      await doctor.enter();
      await Promise.all([patient.isInside(), doctor.isInside()]);

      await Promise.all([moves(patient.page), moves(doctor.page), sounds(patient.page), sounds(doctor.page)]);

      assert.equal(await patient.reads(words.room.theirMicrophoneOff), false);
      await doctor.press(words.room.muteMicrophone);
      await patient.sees(words.room.theirMicrophoneOff);
      await silent(patient.page);
      await doctor.press(words.room.unmuteMicrophone);
      await patient.seesNoMore(words.room.theirMicrophoneOff);
      await sounds(patient.page);

      await patient.leave();
      await patient.sees(words.over.left.title);
      await until("freed devices", 10, async () => (await liveTracks(patient.page)) === 0);
      await until("an empty stage", 20, async () => (await remotePicture(doctor.page)) === "");
    });
  }
}
