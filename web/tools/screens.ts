// The page on which every declared state of the screens can be drawn (`src/shots/main.tsx`), in a real browser.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import puppeteer, { type Page } from "puppeteer-core";
import { createServer } from "vite";

export const SIZES = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1440, height: 900 },
} as const;
export const LANGUAGES = ["ru", "en"] as const;

export interface Screen {
  readonly screen: string;
  readonly state: string;
}

export interface Screens {
  readonly page: Page;
  /** Every declared state. */
  readonly all: readonly Screen[];
  /** Draws one state and waits until all that belongs to it is in view. */
  readonly show: (screen: Screen, language: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What the page offers. */
interface Shots {
  readonly shots: Record<string, string[]>;
  readonly show: (screen: string, state: string, language: string) => void;
}

const CONFIG = fileURLToPath(new URL("../vite.config.ts", import.meta.url));
const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required", "--hide-scrollbars"];

export async function openScreens(): Promise<Screens> {
  const server = await createServer({ configFile: CONFIG, server: { port: 0, host: "127.0.0.1" }, logLevel: "error" });
  await server.listen();
  const browser = await puppeteer.launch({ executablePath: chromium(), args: ARGUMENTS });
  const close = async () => {
    await browser.close();
    await server.close();
  };
  try {
    return await screensOn(await browser.newPage(), server.resolvedUrls?.local[0] ?? "", close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function screensOn(page: Page, address: string, close: () => Promise<void>): Promise<Screens> {
  await page.emulateTimezone("Europe/Moscow");
  await page.goto(`${address}shots.html`);
  // On a fresh checkout the development server bundles the libraries first and then loads the page once more.
  await page.waitForNetworkIdle({ idleTime: 1000 });
  const names = await page.evaluate(() => (window as unknown as Shots).shots);
  return {
    page,
    all: Object.entries(names).flatMap(([screen, states]) => states.map((state) => ({ screen, state }))),
    show: async ({ screen, state }, language) => {
      await page.evaluate((...name) => (window as unknown as Shots).show(...name), screen, state, language);
      await settled(page);
    },
    close,
  };
}

function chromium(): string {
  const named = process.env.KONSILIUM_CHROMIUM;
  if (named) return named;
  return execFileSync("sh", ["-c", "command -v chromium || command -v google-chrome"], { encoding: "utf8" }).trim();
}

/** Every picture that belongs to the screen shows a frame, what is loaded late has come, and the page has been drawn. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => !document.querySelector('.qr path[d=""]'));
  await page.evaluate(async () => {
    const videos = [...document.querySelectorAll("video")];
    const seen = videos.filter((video) => video.checkVisibility({ visibilityProperty: true }));
    await Promise.all(seen.map((video) => new Promise((done) => video.requestVideoFrameCallback(done))));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  });
}
