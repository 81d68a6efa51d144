/** Opens a page with a stamped camera and measuring senses, in a browser of its own with a clean profile. */

import type { Browser, Page } from "puppeteer-core";

import { launch } from "../../tests/e2e/harness/browsers.ts";
import { Person } from "../../tests/e2e/harness/person.ts";
import { BEEP, installCamera } from "./camera.ts";
import { installMarks } from "./marks.ts";
import type { Path } from "./path.ts";
import { installSenses, type Senses } from "./senses.ts";
import { installStamp, PICTURE, type Picture } from "./stamp.ts";

const FRAMES_PER_SECOND = 30;

export interface PageChoices {
  /** Tells cameras apart, 0 to 7. */
  source: number;
  path?: Path;
  /** Of its camera, 640 × 360 unless told; null: it has no camera. */
  picture?: Picture | null;
  /** Of its camera, 30 unless told. */
  framesPerSecond?: number;
  /** The program to start instead of the installed browser. */
  program?: string;
  secureOrigin?: string;
}

export class MeasuredPage {
  readonly browser: Browser;
  readonly page: Page;
  readonly person: Person;

  private constructor(browser: Browser, page: Page) {
    this.browser = browser;
    this.page = page;
    this.person = new Person(page);
  }

  static async open(choices: PageChoices): Promise<MeasuredPage> {
    const browser = await launch("chromium", {
      // Our own ear and voice need sound before anybody has pressed a button.
      arguments: ["--autoplay-policy=no-user-gesture-required"],
      ...(choices.program ? { program: choices.program } : {}),
      ...(choices.secureOrigin ? { secureOrigin: choices.secureOrigin } : {}),
    });
    const page = (await browser.pages())[0] ?? (await browser.newPage());
    // Our sound worklets are blobs, which the product's own policy rightly forbids.
    await page.setBypassCSP(true);
    const picture = choices.picture ?? PICTURE;
    await page.evaluateOnNewDocument(installStamp, picture);
    const framesPerSecond = choices.framesPerSecond ?? FRAMES_PER_SECOND;
    const camera = { source: choices.source, framesPerSecond, absent: choices.picture === null };
    await page.evaluateOnNewDocument(installCamera, camera, picture, BEEP);
    await choices.path?.lead(page);
    await page.evaluateOnNewDocument(installSenses, choices.source);
    await page.evaluateOnNewDocument(installMarks);
    return new MeasuredPage(browser, page);
  }

  /** What the page saw and heard from this moment on (milliseconds since the epoch). */
  async sensed(since: number): Promise<Omit<Senses, "connections">> {
    return this.page.evaluate((from) => {
      const { seen, unreadable, beeps, levels } = window.senses;
      return {
        seen: seen.filter((frame) => frame.shown >= from),
        unreadable,
        beeps: beeps.filter((at) => at >= from),
        levels: levels.filter(({ at }) => at >= from),
      };
    }, since);
  }

  /** Waits until the page shows remote pictures drawn after this moment and hears a beep after it. */
  async inCall(since: number, seconds = 30): Promise<void> {
    await this.page.waitForFunction(
      (from) => {
        const { seen, beeps } = window.senses;
        return (seen.at(-1)?.drawn ?? 0) > from && (beeps.at(-1) ?? 0) > from;
      },
      { timeout: seconds * 1000, polling: 100 },
      since,
    );
  }

  /** From a link into the room, up to a moving remote picture and a heard beep. */
  async join(url: string): Promise<void> {
    await this.person.visit(url);
    await this.person.enter();
    await this.inCall(now());
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

/** The clock of Node, the same as the pages'. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
