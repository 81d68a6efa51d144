/** Microphones, cameras and browsers that say no. */

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";

import { consultation } from "./harness/consultation.ts";
import { moves, received, sounds } from "./harness/media.ts";
import { Person, words } from "./harness/person.ts";
import { story } from "./harness/stage.ts";
import { until } from "./harness/waiting.ts";

story("a camera that vanishes in the call leaves the sound, and says so", async (stage) => {
  const { patient, doctor } = await consultation(stage);
  await patient.page.evaluate(() => window.instruments.vanish("video"));
  await until("word of the camera at the doctor's", 20, async () => {
    return (await doctor.reads(words.room.theirCameraOff)) || doctor.reads(words.room.theirCameraBlocked);
  });
  await Promise.all([sounds(doctor.page), sounds(patient.page), moves(patient.page)]);
});

story("refused permission is explained, and there are ways on", async (stage) => {
  const server = await stage.server();
  const appointment = server.appointment("waiting_for_practitioner");
  const doctor = new Person(await stage.open("doctor", "chromium"));
  const patient = new Person(await stage.open("patient", "chromium", { permission: "deny" }));
  await doctor.visit(appointment.practitioner);
  await doctor.enter();
  await patient.visit(appointment.patient);
  await patient.press(words.devices.enable);
  await patient.sees(words.troubles.refused.title);
  await patient.press(words.actions.enter);
  await patient.isInside();
  // Who sends nothing still sees and hears.
  await Promise.all([moves(patient.page), sounds(patient.page)]);
});

story("«Включить звук» stays away while the browser plays by itself", async (stage) => {
  const { patient, doctor } = await consultation(stage);
  assert.equal(await patient.can(words.actions.enableSound), false);
  assert.equal(await doctor.can(words.actions.enableSound), false);
});

story("a page that nobody pressed on asks for a press before it makes sound", async (stage) => {
  const server = await stage.server();
  const appointment = server.appointment("waiting_for_practitioner");
  const doctor = new Person(await stage.open("doctor", "chromium"));
  await doctor.visit(appointment.practitioner);
  await doctor.enter();
  await doctor.isInside();

  // Without a press and without a device in use, the browser's own rule refuses to play sound.
  const patient = new Person(await stage.open("patient", "chromium", { permission: "deny" }));
  await patient.page.evaluateOnNewDocument(pressByScript, [words.devices.enable, words.actions.enter]);
  await patient.visit(appointment.patient);
  await until("the button for sound", 30, () => isWrittenUntouched(patient.page, words.actions.enableSound));

  await patient.press(words.actions.enableSound);
  await sounds(patient.page);
  assert.equal(await patient.can(words.actions.enableSound), false);
  assert.ok((await received(patient.page)).framesDecoded > 0);
});

/** Script has no user activation: for the browser nobody pressed anything. */
function pressByScript(names: string[]): void {
  const timer = setInterval(() => {
    for (const name of names) {
      const button = [...document.querySelectorAll("button")].find((each) => each.textContent?.trim() === name);
      if (button && !button.disabled) {
        button.click();
        names.splice(names.indexOf(name), 1);
      }
    }
    if (names.length === 0) {
      clearInterval(timer);
    }
  }, 300);
}

/** Looks without touching: an ordinary `evaluate` counts as a press for the browser. */
async function isWrittenUntouched(page: Page, text: string): Promise<boolean> {
  const session = await page.createCDPSession();
  const expression = `document.body.innerText.includes(${JSON.stringify(text)})`;
  const answer = await session.send("Runtime.evaluate", { expression, userGesture: false });
  await session.detach();
  return answer.result.value === true;
}
