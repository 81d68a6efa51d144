/** Whoever uses no mouse gets from the link to leaving; whoever sees nothing hears what changes, and only that. */

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";

import { ru as words } from "../../web/src/ui/words/ru.ts";
import { Person } from "./harness/person.ts";
import { story } from "./harness/stage.ts";
import { until } from "./harness/waiting.ts";

interface Focus {
  action: string;
  dialog: string;
  outlined: boolean;
  tag: string;
}

async function focus(page: Page): Promise<Focus> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement | null;
    return {
      action: element?.dataset.action ?? "",
      dialog: element?.closest<HTMLElement>("dialog")?.dataset.dialog ?? "",
      outlined: element ? getComputedStyle(element).outlineStyle !== "none" : false,
      tag: element?.tagName ?? "",
    };
  });
}

/** Presses Tab until this control has the focus; each stop on the way must show that it has it. */
async function tabTo(page: Page, action: string): Promise<void> {
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const now = await focus(page);
    if (now.tag !== "BODY") {
      assert.ok(now.outlined, `nobody sees that ${now.tag} «${now.action}» has the focus`);
    }
    if (now.action === action) {
      return;
    }
  }
  assert.fail(`«${action}» is not reached by Tab`);
}

story("the keyboard alone leads from the link to leaving", async (stage) => {
  const server = await stage.server();
  const doctor = new Person(await stage.open("doctor", "chromium"));
  const { page } = doctor;
  await doctor.visit(server.appointment("waiting_for_practitioner").practitioner);
  await until("a way in", 20, async () => (await doctor.can("enable-devices")) || doctor.can("enter"));
  if (await doctor.can("enable-devices")) {
    await tabTo(page, "enable-devices");
    await page.keyboard.press("Enter");
  }
  await until("«enter» to press", 20, () => doctor.can("enter"));
  await tabTo(page, "enter");
  await page.keyboard.press("Enter");
  await doctor.isInside();
  assert.equal((await focus(page)).tag, "H1", "reading goes on at the room's heading");

  await tabTo(page, "microphone");
  await page.keyboard.press("Space");
  await doctor.readsSoon("[data-announce=devices]", words.room.microphoneIsOff);

  await tabTo(page, "settings");
  await page.keyboard.press("Enter");
  await doctor.sees("[data-dialog=settings]");
  for (let step = 0; step < 20; step += 1) {
    await page.keyboard.press("Tab");
    const now = await focus(page);
    assert.ok(now.dialog === "settings" || now.tag === "BODY", `the focus left the dialog for «${now.action}»`);
  }
  await page.keyboard.press("Escape");
  await doctor.seesNoMore("[data-dialog=settings]");
  assert.equal((await focus(page)).action, "settings", "the focus is back where it was");

  await tabTo(page, "leave");
  await page.keyboard.press("Enter");
  await doctor.sees("[data-dialog=leave]");
  assert.equal((await focus(page)).action, "stay", "what does no harm comes first");
  await page.keyboard.down("Shift");
  await page.keyboard.press("Tab");
  await page.keyboard.up("Shift");
  assert.equal((await focus(page)).action, "confirm-leave");
  await page.keyboard.press("Enter");
  await doctor.readsSoon("h1", words.staffOver.left.title);
  assert.equal((await focus(page)).tag, "H1");
});

story("a countdown is not read aloud every second", async (stage) => {
  const server = await stage.server();
  const patient = new Person(await stage.open("patient", "chromium"));
  await patient.visit(server.appointment("too_early").patient);
  await patient.sees("[data-countdown]");
  await patient.sees("[data-devices=ready]");
  // Once each: that whoever is ready will be let in, and that the microphone works.
  await patient.readsSoon("main", words.tooEarlyReady);
  await patient.readsSoon("main", words.devices.heard);
  const before = await patient.reads("[data-countdown]");
  await patient.page.evaluate(listen);
  await until("three seconds later", 10, async () => (await patient.page.evaluate(seconds)) >= 3);
  assert.notEqual(await patient.reads("[data-countdown]"), before);
  assert.deepEqual(await patient.page.evaluate(() => window.heard), []);
});

declare global {
  interface Window {
    heard: string[];
    listenedSince: number;
  }
}

/** Collects what a screen reader would read aloud from now on. */
function listen(): void {
  window.heard = [];
  window.listenedSince = performance.now();
  const live = "[aria-live=polite], [aria-live=assertive], [role=status], [role=alert]";
  new MutationObserver((records) => {
    for (const { target } of records) {
      const element = target instanceof Element ? target : target.parentElement;
      const region = element?.closest(live);
      if (region) {
        window.heard.push(region.textContent ?? "");
      }
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}

function seconds(): number {
  return (performance.now() - window.listenedSince) / 1000;
}
