/** What breaks comes back by itself, on the same page. */

import assert from "node:assert/strict";

import { ru as words } from "../../web/src/ui/words/ru.ts";
import { consultation, seeAndHear } from "./harness/consultation.ts";
import { liveTracks } from "./harness/media.ts";
import { Person } from "./harness/person.ts";
import { story } from "./harness/stage.ts";
import { until } from "./harness/waiting.ts";

story("the media worker is killed: picture and sound come back on the same page", async (stage) => {
  const { server, patient, doctor } = await consultation(stage);
  const before = await Promise.all([patient, doctor].map(pageLife));
  server.kill("worker");
  await seeAndHear(patient, doctor);
  assert.deepEqual(await Promise.all([patient, doctor].map(pageLife)), before, "a page was loaded anew");
});

story("the server is killed: the call goes on, and commands work again", async (stage) => {
  const { server, patient, doctor } = await consultation(stage);
  const before = await Promise.all([patient, doctor].map(pageLife));
  server.kill("server");
  await seeAndHear(patient, doctor);
  // The doctor's word reaches the patient through the new server.
  await until("the new server", 30, () => healthy(server.url));
  await doctor.press("microphone");
  await patient.readsSoon("[data-tile]", words.room.theirMicrophoneOff, 30);
  await doctor.press("microphone");
  await seeAndHear(patient, doctor);
  assert.deepEqual(await Promise.all([patient, doctor].map(pageLife)), before, "a page was loaded anew");
});

story("the same person goes on on a second device", async (stage) => {
  const { patient, doctor, appointment } = await consultation(stage);
  const tablet = new Person(await stage.open("tablet", "chromium"));
  await tablet.visit(appointment.patient);
  await tablet.press("take-over");
  await tablet.isInside();
  await patient.readsSoon("h1", words.over.taken_over.title);
  await seeAndHear(tablet, doctor);
  await until("freed devices", 10, async () => (await liveTracks(patient.page)) === 0);
});

async function pageLife(person: Person): Promise<number> {
  return person.page.evaluate(() => performance.timeOrigin);
}

async function healthy(url: string): Promise<boolean> {
  return fetch(new URL("/healthz", url)).then(
    (response) => response.ok,
    () => false,
  );
}
