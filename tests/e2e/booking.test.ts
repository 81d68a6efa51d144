/** From the booking system's event to pictures, with more people than a page has places for at first. */

import type { Page } from "puppeteer-core";

import { type BookedPerson, BookingSystem } from "./harness/booking-system.ts";
import { Person } from "./harness/person.ts";
import { story } from "./harness/stage.ts";
import { until } from "./harness/waiting.ts";

const PEOPLE: readonly BookedPerson[] = [
  { id: "D-1", role: "practitioner", name: "Иван Орлов" },
  { id: "P-1", role: "patient", name: "Анна Смирнова" },
  { id: "I-1", role: "interpreter", name: "Олег Ли" },
  { id: "R-1", role: "related_person", name: "Мария Смирнова" },
];
const PATIENCE = 60;

story("an appointment that was booked and paid for four: everybody sees everybody", async (stage) => {
  const server = await stage.server();
  const links = await (await BookingSystem.connect(server)).book(PEOPLE);
  const inside: Person[] = [];
  for (const { id } of PEOPLE) {
    const person = new Person(await stage.open(id, "chromium"));
    await person.visit(links.get(id) ?? "");
    await person.enter();
    await person.isInside();
    inside.push(person);
  }
  await Promise.all(inside.map(({ page }) => seesEachOf(page, PEOPLE.length - 1)));
});

/** Waits until so many other people have a tile with a picture each, and every picture goes on. */
async function seesEachOf(page: Page, others: number): Promise<void> {
  let before: number[] = [];
  await until(`${others} moving pictures`, PATIENCE, async () => {
    const now = await shownFrames(page);
    const moving = now.filter((frames, index) => frames > (before[index] ?? Number.POSITIVE_INFINITY));
    before = now;
    return now.length === others && moving.length === others;
  });
}

/** How many frames each tile has shown so far. */
async function shownFrames(page: Page): Promise<number[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLVideoElement>("[data-tile] video")]
      .filter((video) => video.checkVisibility() && video.videoWidth > 0)
      .map((video) => video.getVideoPlaybackQuality().totalVideoFrames),
  );
}
