/** A person in front of a window: reads what is written, presses what can be pressed. Words come from the product's own catalogue. */

import type { Page } from "puppeteer-core";

import { ru as words } from "../../../web/src/ui/words/ru.ts";
import { until } from "./waiting.ts";

export { words };

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

  /** Presses the button or link of this name, once it is there and can be pressed. */
  async press(name: string, seconds = PATIENCE): Promise<void> {
    await until(`«${name}» to press`, seconds, async () => {
      const handle = await this.page.evaluateHandle(findControl, name);
      const element = handle.asElement();
      if (!element) {
        return false;
      }
      await (element as import("puppeteer-core").ElementHandle<Element>).click();
      return true;
    });
    this.presses += 1;
  }

  async can(name: string): Promise<boolean> {
    return (await this.page.evaluateHandle(findControl, name)).asElement() !== null;
  }

  async reads(text: string): Promise<boolean> {
    return this.page.evaluate(isWritten, text);
  }

  /** Waits until this is written on the page, or is an accessible name there. */
  async sees(text: string, seconds = PATIENCE): Promise<void> {
    await until(`«${text}»`, seconds, () => this.reads(text));
  }

  async seesNoMore(text: string, seconds = PATIENCE): Promise<void> {
    await until(`end of «${text}»`, seconds, async () => !(await this.reads(text)));
  }

  /** From the join page into the room (or its waiting room), as somebody does who reads the buttons. */
  async enter(): Promise<void> {
    await until("a way in", PATIENCE, async () => (await this.can(words.devices.enable)) || this.can(words.actions.enter));
    if (await this.can(words.devices.enable)) {
      await this.press(words.devices.enable);
    }
    await this.press(words.actions.enter);
  }

  /** Waits until the room's own controls are there. */
  async isInside(seconds = PATIENCE): Promise<void> {
    await until("the room", seconds, async () => this.can(words.room.leave));
  }

  async leave(): Promise<void> {
    await this.press(words.room.leave);
    await this.sees(words.room.leaveAsk);
    await this.page.evaluate(pressInDialog, words.room.leave);
    this.presses += 1;
  }
}

function findControl(name: string): Element | null {
  const nameOf = (element: Element): string =>
    (element.getAttribute("aria-label") ?? element.textContent ?? "").replaceAll(/\s+/g, " ").trim();
  const scope = document.querySelector("dialog[open]") ?? document;
  return (
    [...scope.querySelectorAll("button, a[href], [role=button], [role=switch]")].find(
      (element) => nameOf(element) === name && element.checkVisibility() && !element.hasAttribute("disabled"),
    ) ?? null
  );
}

function isWritten(text: string): boolean {
  const flat = (value: string): string => value.replaceAll(/\s+/g, " ");
  if (flat(document.body.innerText).includes(flat(text))) {
    return true;
  }
  return [...document.querySelectorAll("[aria-label]")].some(
    (element) => element.checkVisibility() && flat(element.getAttribute("aria-label") ?? "").includes(flat(text)),
  );
}

function pressInDialog(name: string): void {
  const dialog = document.querySelector("dialog[open], [role=dialog], [role=alertdialog]");
  const button = [...(dialog?.querySelectorAll("button") ?? [])].find((each) => each.textContent?.trim() === name);
  button?.click();
}
