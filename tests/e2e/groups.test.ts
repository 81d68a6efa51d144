/** More than two: who is large, a shared screen, and cameras that rest when nobody looks. */

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";

import { ru as words } from "../../web/src/ui/words/ru.ts";
import { BookingSystem } from "./harness/booking-system.ts";
import type { BrowserKind } from "./harness/browsers.ts";
import { Person } from "./harness/person.ts";
import { stopped } from "./harness/processes.ts";
import { SLOW, type Stage, story } from "./harness/stage.ts";
import { speaking } from "./harness/voices.ts";
import { until } from "./harness/waiting.ts";

const DOCTOR = { id: "D-1", role: "practitioner", name: "Иван Орлов" } as const;
const PATIENT = { id: "P-1", role: "patient", name: "Анна Смирнова" } as const;
const DAUGHTER = { id: "R-1", role: "related_person", name: "Мария Смирнова" } as const;

const TILES = "[data-tile] video";
const SCREEN = "[data-screen] video";
const PATIENCE = 60;

story("three people: seen, kept large, a screen shown and stopped, cameras that nobody watches", async (stage) => {
  const [doctor, patient, daughter] = await together(stage);
  await Promise.all([doctor, patient, daughter].map(({ page }) => go(page, TILES, 2)));

  // Everybody's microphone beeps: who is to be heard alone has the others muted.
  await Promise.all([patient, daughter].map((person) => person.press("microphone")));
  await patient.sees("[data-place=large]:has([data-action=pin]):not([data-screen])");
  await until("the doctor large, who speaks", PATIENCE, async () => (await large(patient)) === DOCTOR.name);
  await keepLarge(patient, DAUGHTER.name);
  await patient.readsSoon("[data-announce=pinned]", words.room.stage.pinned(DAUGHTER.name));
  await patient.press("unpin");
  await until("the doctor large again", PATIENCE, async () => (await large(patient)) === DOCTOR.name);

  await patient.press("screen");
  await patient.sees("[data-line=sharing]");
  await Promise.all([doctor, daughter].map(({ page }) => go(page, SCREEN, 1)));
  await doctor.readsSoon("[data-announce=screen]", words.room.screen.theirs(PATIENT.name));
  assert.equal(await large(doctor), words.room.screen.of(PATIENT.name));
  await Promise.all([doctor, daughter].map(({ page }) => go(page, TILES, 2)));

  // Whoever is not the doctor waits until the other has finished.
  assert.equal(await daughter.can("stop-their-screen"), false);
  await daughter.press("screen");
  await daughter.readsSoon("[data-line=share-in_use]", PATIENT.name);
  await doctor.press("stop-their-screen");
  await patient.sees("[data-line=share-stopped]");
  await Promise.all([doctor, daughter].map((person) => person.seesNoMore("[data-screen]")));
  await daughter.seesNoMore("[data-line=share-in_use]");
  assert.equal(await liveScreens(patient.page), 0, "the browser's own bar goes, too");

  await Promise.all([doctor, daughter].map(({ page }) => hide(page, true)));
  await until("rest for the patient's camera", PATIENCE, async () => (await sentLayers(patient.page)).length === 0);
  await hide(doctor.page, false);
  await until("the patient's camera again", PATIENCE, async () => (await sentLayers(patient.page)).length > 0);
  await go(doctor.page, TILES, 2);

  await daughter.leave();
  await Promise.all([
    doctor.sees("[data-line=gone]"),
    doctor.readsSoon("[data-announce=people]", words.room.gone(DAUGHTER.name)),
  ]);
  await doctor.seesNoMore("[data-line=gone]");
});

story("who speaks is large, and takes a breath in between", async (stage) => {
  const server = await stage.server();
  const links = await (await BookingSystem.connect(server)).book([DOCTOR, PATIENT, DAUGHTER]);
  const voice = { arguments: await speaking(stage) };
  const doctor = await come(stage, links.get(DOCTOR.id) ?? "", DOCTOR.id, "chromium", voice);
  const daughter = await come(stage, links.get(DAUGHTER.id) ?? "", DAUGHTER.id, "chromium", voice);
  const patient = await come(stage, links.get(PATIENT.id) ?? "", PATIENT.id, "firefox");
  const seesLarge = (name: string) => until(`${name} large`, PATIENCE, async () => (await large(patient)) === name);
  await Promise.all([patient, doctor].map((person) => person.press("microphone")));
  await seesLarge(DAUGHTER.name);

  await Promise.all([doctor, daughter].map((person) => person.press("microphone")));
  await seesLarge(DOCTOR.name);

  await Promise.all([doctor, daughter].map((person) => person.press("microphone")));
  await seesLarge(DAUGHTER.name);
  const seen: string[] = [];
  const looksUntil = Date.now() + 8000;
  await until("some breaths", PATIENCE, async () => {
    seen.push(await large(patient));
    return Date.now() > looksUntil;
  });
  assert.deepEqual([...new Set(seen)], [DAUGHTER.name], "a breath changes nothing");
});

story("a small camera is sent whole to a group, as it is to one", async (stage) => {
  const [doctor, patient, daughter] = await together(stage, smallCamera);
  await Promise.all([doctor, daughter].map((person) => person.press("microphone")));
  await until("the patient large, who speaks", PATIENCE, async () => (await large(doctor)) === PATIENT.name);
  await until("the whole small picture beside its half", PATIENCE, async () => {
    const heights = await sentHeights(patient.page);
    return heights.includes(360) && heights.includes(180);
  });
  await until("the whole of it at the doctor's", PATIENCE, async () => (await largeHeight(doctor.page)) >= 360);
});

story("a camera that Firefox gets in the call is sent whole and small, as one that was there before", async (stage) => {
  const server = await stage.server();
  const links = await (await BookingSystem.connect(server)).book([DOCTOR, PATIENT, DAUGHTER]);
  const doctor = await come(stage, links.get(DOCTOR.id) ?? "", DOCTOR.id, "chromium");
  const patient = await come(stage, links.get(PATIENT.id) ?? "", PATIENT.id, "chromium");
  const daughter = await come(stage, links.get(DAUGHTER.id) ?? "", DAUGHTER.id, "firefox", {
    prepared: cameraInUse,
  });
  await Promise.all([doctor, patient].map((person) => person.sees("[data-tile] [data-picture=off]")));
  // Her browser's own tone would be the voice of who speaks.
  await daughter.press("microphone");

  await daughter.page.evaluate(() => sessionStorage.setItem("camera", "free"));
  await daughter.press("camera");
  await Promise.all([doctor, patient, daughter].map(({ page }) => go(page, TILES, 2)));
  await Promise.all([enlarge(doctor, DAUGHTER.name), enlarge(patient, DOCTOR.name)]);
  await until("her picture whole, and smaller for the patient", PATIENCE, async () => {
    const heights = new Set(await sentHeights(daughter.page));
    return heights.size > 1;
  });
});

if (SLOW) {
  story("a Firefox that stood still for half a minute is seen again", async (stage) => {
    const [doctor, patient, daughter] = await together(stage);
    await Promise.all([doctor, patient, daughter].map(({ page }) => go(page, TILES, 2)));
    // As long as a consent to send lasts (RFC 7675 section 5.1), and no longer than the server keeps a silent connection.
    await stopped(daughter.page.browser(), 30);
    // Some of what she sends still comes before her browser notices how late it is.
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    await Promise.all([doctor, patient, daughter].map(({ page }) => go(page, TILES, 2)));
  });
}

interface Preparation {
  prepared?: (() => void) | undefined;
  arguments?: string[];
}

async function come(stage: Stage, link: string, id: string, browser: BrowserKind, preparation: Preparation = {}) {
  const { prepared, ...choices } = preparation;
  const person = new Person(await stage.open(id, browser, choices));
  if (prepared) await person.page.evaluateOnNewDocument(prepared);
  await person.visit(link);
  await person.enter();
  await person.isInside();
  return person;
}

/** One after the other, as people come. */
async function together(stage: Stage, ofPatient?: () => void): Promise<[Person, Person, Person]> {
  const server = await stage.server();
  const links = await (await BookingSystem.connect(server)).book([DOCTOR, PATIENT, DAUGHTER]);
  const enters = (id: string, browser: BrowserKind) =>
    come(stage, links.get(id) ?? "", id, browser, { prepared: id === PATIENT.id ? ofPatient : undefined });
  return [
    await enters(DOCTOR.id, "chromium"),
    await enters(PATIENT.id, "chromium"),
    await enters(DAUGHTER.id, "firefox"),
  ];
}

/** Waits until so many pictures are in view, and every one of them goes on. */
async function go(page: Page, pictures: string, count: number): Promise<void> {
  let before: number[] = [];
  await until(`${count} moving «${pictures}»`, PATIENCE, async () => {
    const now = await shownFrames(page, pictures);
    const moving = now.filter((frames, index) => frames > (before[index] ?? Number.POSITIVE_INFINITY));
    before = now;
    return now.length === count && moving.length === count;
  });
}

/** How many frames of each picture in view were decoded so far. Firefox counts none on the video element itself. */
async function shownFrames(page: Page, pictures: string): Promise<number[]> {
  return page.evaluate(async (selector) => {
    const receivers = window.instruments.connections.flatMap((connection) => connection.getReceivers());
    const videos = [...document.querySelectorAll<HTMLVideoElement>(selector)];
    const inView = videos.filter((video) => video.checkVisibility() && video.videoWidth > 0);
    const frames = inView.map(async ({ srcObject }) => {
      const tracks = srcObject instanceof MediaStream ? srcObject.getVideoTracks() : [];
      const receiver = receivers.find(({ track }) => tracks.includes(track));
      const reports = [...((await receiver?.getStats()) ?? new Map()).values()];
      return reports.find(({ type }) => type === "inbound-rtp")?.framesDecoded ?? 0;
    });
    return Promise.all(frames);
  }, pictures);
}

async function large(person: Person): Promise<string> {
  return person.reads("[data-place=large] figcaption strong");
}

/** Whoever is large by themselves just now may not stay it. */
async function enlarge(person: Person, name: string): Promise<void> {
  if ((await large(person)) === name) await person.page.click("[data-place=large] [data-action=pin]");
  else await keepLarge(person, name);
}

/** By keyboard: the focus stays on the button, which then undoes it. */
async function keepLarge(person: Person, name: string): Promise<void> {
  await person.page.focus(`[data-place=beside] [aria-label="${words.room.stage.enlarge(name)}"]`);
  await person.page.keyboard.press("Enter");
  await until(`${name} large`, PATIENCE, async () => (await large(person)) === name);
  const focused = await person.page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.action);
  assert.equal(focused, "unpin");
}

async function liveScreens(page: Page): Promise<number> {
  return page.evaluate(() => {
    const senders = window.instruments.connections.flatMap((connection) => connection.getSenders());
    return senders.filter(({ track }) => track?.contentHint === "detail" && track.readyState === "live").length;
  });
}

/** The sizes in which the page's camera is being sent. */
async function sentLayers(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const live = window.instruments.connections.filter(({ connectionState }) => connectionState === "connected");
    const cameras = live
      .flatMap((connection) => connection.getSenders())
      .filter(({ track }) => track?.kind === "video");
    return cameras
      .flatMap((sender) => sender.getParameters().encodings)
      .filter(({ active }) => active)
      .map(({ rid }) => rid ?? "");
  });
}

/** In the page: the camera of an old notebook. */
function smallCamera(): void {
  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) =>
    ask(wanted?.video ? { video: { width: { exact: 640 }, height: { exact: 360 } } } : wanted);
}

/** In the page: another program has the camera until the session's storage says that it is free. */
function cameraInUse(): void {
  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) =>
    wanted?.video && sessionStorage.getItem("camera") !== "free"
      ? Promise.reject(new DOMException("in use", "NotReadableError"))
      : ask(wanted);
}

/** How high the pictures are that the page's camera is being sent as just now. */
async function sentHeights(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    const sent = async () =>
      (await window.instruments.reports())
        .flatMap((report) => [...report.values()])
        .filter(({ type, kind }) => type === "outbound-rtp" && kind === "video");
    // Firefox does not tell which of them are active.
    const before = new Map((await sent()).map(({ id, framesEncoded }) => [id, framesEncoded]));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const going = (await sent()).filter(({ id, framesEncoded }) => framesEncoded > (before.get(id) ?? 0));
    return going.map(({ frameHeight }) => frameHeight ?? 0);
  });
}

async function largeHeight(page: Page): Promise<number> {
  return page.evaluate(() => document.querySelector<HTMLVideoElement>("[data-place=large] video")?.videoHeight ?? 0);
}

/** Puts the page out of sight, as another tab in front of it does, or back. */
async function hide(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      document.dispatchEvent(new Event("visibilitychange"));
    },
    hidden ? "hidden" : "visible",
  );
}
