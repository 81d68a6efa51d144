/** Microphones, cameras and browsers that say no. */

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";

import type { Quality } from "../../web/src/call/quality.ts";
import { ru as words } from "../../web/src/ui/words/ru.ts";
import { consultation } from "./harness/consultation.ts";
import { moves, sounds } from "./harness/media.ts";
import { Person } from "./harness/person.ts";
import { story } from "./harness/stage.ts";
import { until } from "./harness/waiting.ts";

story("a camera that vanishes in the call leaves the sound, and says so", async (stage) => {
  const { patient, doctor } = await consultation(stage);
  await patient.page.evaluate(() => window.instruments.vanish("video"));
  await doctor.sees("[data-tile] [data-picture=off]");
  await Promise.all([sounds(doctor.page), sounds(patient.page), moves(patient.page)]);
});

for (const browser of ["chromium", "firefox"] as const) {
  story(`the camera gives its whole picture again after every choice (${browser})`, async (stage) => {
    const { patient, doctor } = await consultation(stage, { patient: browser });
    await patient.press("camera");
    await choose(patient, "save");
    await patient.press("camera");
    await until("a small picture", 20, async () => (await cameraHeights(patient.page)).join() === "360");
    await choose(patient, "auto");
    await until("the whole picture", 20, async () => (await cameraHeights(patient.page)).join() === "720");

    await choose(patient, "audio_only");
    await until("no camera", 20, async () => (await cameraHeights(patient.page)).length === 0);
    await doctor.sees("[data-tile] .no-camera");
    // By hand again: the others are seen, too, and nothing is left in between.
    await patient.press("camera");
    await until("the whole picture", 20, async () => (await cameraHeights(patient.page)).join() === "720");
    await Promise.all([moves(patient.page), moves(doctor.page)]);
  });
}

story("refused permission is explained, and there are ways on", async (stage) => {
  const server = await stage.server();
  const appointment = server.appointment("waiting_for_practitioner");
  const doctor = new Person(await stage.open("doctor", "chromium"));
  const patient = new Person(await stage.open("patient", "chromium", { permission: "deny" }));
  await doctor.visit(appointment.practitioner);
  await doctor.enter();
  await patient.visit(appointment.patient);
  await patient.press("enable-devices");
  await patient.sees('[data-devices="trouble"]');
  await patient.readsSoon('[data-devices="trouble"]', words.troubles.refused.title);
  await patient.press("enter-audio-only");
  await patient.isInside();
  // Who has nothing to send still hears.
  await sounds(patient.page);
  await doctor.sees("[data-tile]");
});

story("«Включить звук» stays away while the browser plays by itself", async (stage) => {
  const { patient, doctor } = await consultation(stage);
  assert.equal(await patient.can("enable-sound"), false);
  assert.equal(await doctor.can("enable-sound"), false);
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
  await patient.page.evaluateOnNewDocument(pressByScript, ["enable-devices", "enter-audio-only"]);
  await patient.visit(appointment.patient);
  await until("the button for sound", 30, () => isThereUntouched(patient.page, "enable-sound"));

  await patient.press("enable-sound");
  await sounds(patient.page);
  assert.equal(await patient.can("enable-sound"), false);
});

/** In the settings. */
async function choose(person: Person, quality: Quality): Promise<void> {
  await person.press("settings");
  await person.sees(`[data-quality=${quality}]`);
  // Not by the mouse: the dialog scrolls under it.
  await person.page.$eval(`[data-quality=${quality}]`, (choice) => (choice as HTMLInputElement).click());
  await person.press("settings-done");
}

/** How high the pictures are that the page's own camera gives. */
async function cameraHeights(page: Page): Promise<number[]> {
  return page.evaluate(() => {
    const cameras = window.instruments.localTracks.filter((track) => track.kind === "video");
    return cameras.filter(({ readyState }) => readyState === "live").map((track) => track.getSettings().height ?? 0);
  });
}

/** Script has no user activation: for the browser nobody pressed anything. */
function pressByScript(actions: string[]): void {
  const timer = setInterval(() => {
    const button = document.querySelector<HTMLButtonElement>(`[data-action="${actions[0]}"]`);
    if (button && !button.disabled) {
      button.click();
      actions.shift();
    }
    if (actions.length === 0) {
      clearInterval(timer);
    }
  }, 300);
}

/** Looks without touching: an ordinary `evaluate` counts as a press for the browser. */
async function isThereUntouched(page: Page, action: string): Promise<boolean> {
  const session = await page.createCDPSession();
  const expression = `document.querySelector('[data-action="${action}"]') !== null`;
  const answer = await session.send("Runtime.evaluate", { expression, userGesture: false });
  await session.detach();
  return answer.result.value === true;
}
