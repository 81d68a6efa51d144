/**
 * One test's stage: browsers and a server that vanish with the test, and, when it fails, a picture and the console of
 * every page in `tests/e2e/output/`.
 */

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Browser, Page } from "puppeteer-core";

import { type BrowserChoices, type BrowserKind, launch } from "./browsers.ts";
import { instrument } from "./instruments.ts";
import { Server, type ServerChoices } from "./server.ts";

const OUTPUT = join(import.meta.dirname, "..", "output");
const TEST_LIMIT = 180_000;

/** Whether what takes longer than CI may wait is run too: `./dev test --slow`. */
export const SLOW = process.env["KONSILIUM_SLOW_TESTS"] !== undefined;

export class Stage {
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #servers: Server[] = [];
  readonly #pages: { name: string; page: Page; console: string[] }[] = [];

  /** A new window with a clean profile. `name` tells windows apart in what a failure leaves behind. */
  async open(name: string, kind: BrowserKind, choices?: BrowserChoices): Promise<Page> {
    const browser = await this.browser(kind, choices);
    const page = (await browser.pages())[0] ?? (await browser.newPage());
    await this.watch(name, page);
    return page;
  }

  async browser(kind: BrowserKind, choices?: BrowserChoices): Promise<Browser> {
    const browser = await launch(kind, choices);
    this.#closers.push(() => browser.close());
    return browser;
  }

  /** Puts the instruments into a page and keeps its console. */
  async watch(name: string, page: Page): Promise<void> {
    const console: string[] = [];
    page.on("console", (message) => console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => console.push(`uncaught: ${error instanceof Error ? error.stack : String(error)}`));
    this.#pages.push({ name, page, console });
    await instrument(page);
  }

  async server(choices?: ServerChoices): Promise<Server> {
    const server = await Server.start(choices);
    this.#closers.push(() => server.stop());
    this.#servers.push(server);
    return server;
  }

  /** Whatever people do, no exception may reach a log. */
  checkLogs(): void {
    for (const server of this.#servers) {
      const errors = server
        .log()
        .split("\n")
        .filter((line) => line.includes("Traceback (most recent call last)"));
      const words = errors.map((line) => line.slice(-200));
      assert.equal(errors.length, 0, `${errors.length} tracebacks in the server's log, such as …${words[0]}`);
    }
  }

  closeLater(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  async keepEvidence(title: string): Promise<void> {
    const folder = join(OUTPUT, title.replaceAll(/[^\p{L}\p{N}]+/gu, "-"));
    await mkdir(folder, { recursive: true });
    for (const [index, server] of this.#servers.entries()) {
      await writeFile(join(folder, `server-${index}.log`), server.log());
    }
    for (const { name, page, console } of this.#pages) {
      await writeFile(join(folder, `${name}.log`), `${console.join("\n")}\n`);
      await page.screenshot({ path: join(folder, `${name}.png`) }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) {
      await close();
    }
  }
}

/** A test with a stage of its own. */
export function story(title: string, act: (stage: Stage) => Promise<void>): void {
  test(title, { timeout: TEST_LIMIT }, async (context: TestContext) => {
    const stage = new Stage();
    try {
      await act(stage);
      stage.checkLogs();
    } catch (error) {
      await stage.keepEvidence(context.name);
      throw error;
    } finally {
      await stage.close();
    }
  });
}
