/** Every declared state of the screens: the WCAG rules that a machine can judge, and text at twice its size. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, beforeEach, test } from "node:test";
import type { Page } from "puppeteer-core";

import { LANGUAGES, openScreens, type Screens, SIZES } from "../../web/tools/screens.ts";
import { SLOW } from "./harness/stage.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What of axe is used here; its own types would drag in a global of every page. */
interface Axe {
  run: (context: Document, options: object) => Promise<{ violations: Violation[] }>;
}
interface Violation {
  id: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** Rules look at structure, colours and sizes: one size a language finds nearly all; the rest is slow. */
const QUICK = new Set(["phone-ru", "desktop-en"]);

let screens: Screens;
let opened = false;
// Not `before`: it runs without its `after` when a chosen name leaves no test, and the browser would never end.
beforeEach(async () => {
  if (!opened) {
    screens = await openScreens();
    opened = true;
    await screens.page.evaluate(AXE);
  }
});
after(() => (opened ? screens.close() : undefined));

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const language of LANGUAGES) {
    if (!(SLOW || QUICK.has(`${size}-${language}`))) continue;
    test(`axe finds nothing: ${size}, ${language}`, { timeout: 180_000 }, async () => {
      await screens.page.setViewport(viewport);
      const faults: string[] = [];
      for (const screen of screens.all) {
        await screens.show(screen, language);
        for (const fault of await violations(screens.page)) {
          faults.push(`${screen.screen}-${screen.state}: ${fault}`);
        }
      }
      assert.deepEqual(faults, []);
    });
  }
}

for (const language of SLOW ? LANGUAGES : (["ru"] as const)) {
  test(`text at 200 % on a phone loses nothing: ${language}`, { timeout: 180_000 }, async () => {
    await screens.page.setViewport(SIZES.phone);
    await screens.page.evaluate(() => document.documentElement.style.setProperty("font-size", "200%"));
    const faults: string[] = [];
    for (const screen of screens.all) {
      await screens.show(screen, language);
      for (const fault of await screens.page.evaluate(lostText)) {
        faults.push(`${screen.screen}-${screen.state}: ${fault}`);
      }
    }
    await screens.page.evaluate(() => document.documentElement.style.removeProperty("font-size"));
    assert.deepEqual(faults, []);
  });
}

async function violations(page: Page): Promise<string[]> {
  const { violations: found } = await page.evaluate(
    (tags) =>
      (window as unknown as { axe: Axe }).axe.run(document, {
        runOnly: tags,
        resultTypes: ["violations"],
        // Speech in a live call has no captions to offer.
        rules: { "video-caption": { enabled: false } },
      }),
    RULES,
  );
  return found.map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
}

/** Text that a person could not reach: beyond the page's side, or cut off inside something that does not scroll. */
function lostText(): string[] {
  const faults: string[] = [];
  if (document.documentElement.scrollWidth > innerWidth) {
    faults.push(`the page is ${document.documentElement.scrollWidth} wide`);
  }
  for (const element of document.querySelectorAll<HTMLElement>("#app *")) {
    const hasText = [...element.childNodes].some((child) => child.nodeType === 3 && child.textContent?.trim());
    if (!hasText || !element.checkVisibility() || element.closest(".unseen, svg")) {
      continue;
    }
    const box = element.getBoundingClientRect();
    let holder = element.parentElement;
    while (holder && holder !== document.body) {
      const style = getComputedStyle(holder);
      const edge = holder.getBoundingClientRect();
      const beside = style.overflowX === "hidden" && (box.right > edge.right + 1 || box.left < edge.left - 1);
      const below = style.overflowY === "hidden" && box.bottom > edge.bottom + 1;
      if (beside || below) {
        faults.push(`«${element.textContent?.trim().slice(0, 40)}» is cut off by .${holder.className}`);
        break;
      }
      if (style.overflowY === "auto" || style.overflowY === "scroll") {
        break;
      }
      holder = holder.parentElement;
    }
  }
  return faults;
}
