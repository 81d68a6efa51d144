// Takes a picture of every declared state of the screens: `npm run shots -- --out DIR [--only TEXT]`.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import puppeteer, { type Page } from "puppeteer-core";
import { createServer } from "vite";

const SIZES = [
  { name: "phone", width: 390, height: 844 },
  { name: "desktop", width: 1440, height: 900 },
];
const LANGUAGES = ["ru", "en"];
const CONFIG = fileURLToPath(new URL("../vite.config.ts", import.meta.url));

const { values } = parseArgs({
  options: { out: { type: "string", default: "shots" }, only: { type: "string", default: "" } },
});

/** What the page of pictures offers (`src/shots/main.tsx`). */
interface Shots {
  readonly shots: Record<string, string[]>;
  readonly show: (screen: string, state: string, language: string) => void;
}

function chromium(): string {
  const named = process.env.KONSILIUM_CHROMIUM;
  if (named) return named;
  return execFileSync("sh", ["-c", "command -v chromium || command -v google-chrome"], { encoding: "utf8" }).trim();
}

async function settled(page: Page): Promise<void> {
  // Every picture that belongs to the screen has a frame, and the page has been drawn with it.
  await page.evaluate(async () => {
    const videos = [...document.querySelectorAll("video")];
    const pending = videos.filter((video) => video.readyState < 2);
    await Promise.all(pending.map((video) => new Promise((done) => video.addEventListener("loadeddata", done))));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  });
}

mkdirSync(values.out, { recursive: true });
const server = await createServer({ configFile: CONFIG, server: { port: 0, host: "127.0.0.1" }, logLevel: "error" });
await server.listen();
const address = server.resolvedUrls?.local[0] ?? "";
const browser = await puppeteer.launch({
  executablePath: chromium(),
  args: ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required", "--hide-scrollbars"],
});
let taken = 0;
try {
  const page = await browser.newPage();
  await page.emulateTimezone("Europe/Moscow");
  await page.goto(`${address}shots.html`);
  const names = await page.evaluate(() => (window as unknown as Shots).shots);
  for (const { name: size, width, height } of SIZES) {
    await page.setViewport({ width, height });
    for (const [screen, states] of Object.entries(names)) {
      for (const state of states.filter((one) => `${screen}-${one}`.includes(values.only))) {
        for (const language of LANGUAGES) {
          await page.evaluate((...name) => (window as unknown as Shots).show(...name), screen, state, language);
          await settled(page);
          await page.screenshot({
            path: `${values.out}/${screen}-${state}-${size}-${language}.png`,
            fullPage: screen !== "room",
          });
          taken += 1;
        }
      }
    }
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(`${taken} pictures in ${values.out}`);
