/** A person in front of a window: presses what can be pressed, reads what is written. */

import type { ElementHandle, Page } from "puppeteer-core";

import { until } from "./waiting.ts";

const PATIENCE = 20;

export class Person {
  readonly page: Page;
  /** How often this person pressed something. */
  presses = 0;

  constructor(page: Page) {
    this.page = page;
  }

  async visit(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: "domcontentloaded" });
  }

  /** Presses the control of this `data-action`, once it is there and can be pressed. */
  async press(action: string, seconds = PATIENCE): Promise<void> {
    await until(`«${action}» to press`, seconds, async () => {
      const control = await this.#control(action);
      await control?.click();
      return control !== null;
    });
    this.presses += 1;
  }

  async can(action: string): Promise<boolean> {
    return (await this.#control(action)) !== null;
  }

  /** Whether something that matches is in view. */
  async finds(selector: string): Promise<boolean> {
    return this.page.evaluate(
      (wanted) => [...document.querySelectorAll(wanted)].some((each) => each.checkVisibility()),
      selector,
    );
  }

  async sees(selector: string, seconds = PATIENCE): Promise<void> {
    await until(`«${selector}» in view`, seconds, () => this.finds(selector));
  }

  async seesNoMore(selector: string, seconds = PATIENCE): Promise<void> {
    await until(`end of «${selector}»`, seconds, async () => !(await this.finds(selector)));
  }

  /** The text in view inside what matches; "" when nothing does. */
  async reads(selector: string): Promise<string> {
    return this.page.evaluate((wanted) => {
      const found = [...document.querySelectorAll<HTMLElement>(wanted)];
      return found.map((each) => each.innerText).join("\n");
    }, selector);
  }

  async readsSoon(selector: string, text: string, seconds = PATIENCE): Promise<void> {
    await until(`«${text}» in ${selector}`, seconds, async () => (await this.reads(selector)).includes(text));
  }

  /** On the join page up to where «Войти» can be pressed. */
  async getReady(): Promise<void> {
    await until("a way in", PATIENCE, async () => (await this.can("enable-devices")) || this.can("enter"));
    if (await this.can("enable-devices")) {
      await this.press("enable-devices");
      await until("«enter» to press", PATIENCE, () => this.can("enter"));
    }
  }

  /** From the join page to «Войти», as somebody does who presses the one main button. */
  async enter(): Promise<void> {
    await this.getReady();
    await this.press("enter");
  }

  /** Waits until the room is on show. */
  async isInside(seconds = PATIENCE): Promise<void> {
    await this.sees(".room", seconds);
  }

  async leave(): Promise<void> {
    await this.press("leave");
    await this.press("confirm-leave");
  }

  async #control(action: string): Promise<ElementHandle<Element> | null> {
    for (const control of await this.page.$$(`[data-action="${action}"]:not([disabled])`)) {
      if (await control.evaluate((element) => element.checkVisibility())) {
        return control;
      }
    }
    return null;
  }
}
