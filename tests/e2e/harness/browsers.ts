/** Starts real browsers, each with a clean profile and the autoplay rule it ships with. */

import puppeteer, { type Browser, type LaunchOptions } from "puppeteer-core";

export type BrowserKind = "chromium" | "firefox";

export interface BrowserChoices {
  /** What the browser answers when a page asks for microphone and camera. */
  permission?: "grant" | "deny";
  /** Further command-line arguments. */
  arguments?: string[];
  /** The program to start instead of the installed browser. */
  program?: string;
  /** Camera and microphone need a secure context, which other hosts than localhost are not over http. */
  secureOrigin?: string;
}

const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--use-fake-device-for-media-stream",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  // Windows of one machine cover each other; a real person's would not.
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--accept-lang=ru",
  "--window-size=1280,800",
];

export async function launch(kind: BrowserKind, choices: BrowserChoices = {}): Promise<Browser> {
  return puppeteer.launch(kind === "chromium" ? chromium(choices) : firefox(choices));
}

function chromium(choices: BrowserChoices): LaunchOptions {
  const answer = choices.permission === "deny" ? "=deny" : "";
  const secure = choices.secureOrigin ? [`--unsafely-treat-insecure-origin-as-secure=${choices.secureOrigin}`] : [];
  return {
    browser: "chrome",
    // A pipe works from another network namespace, too.
    pipe: true,
    executablePath: choices.program ?? "/usr/bin/chromium",
    // Puppeteer mutes sound by default, which hides the autoplay rule.
    ignoreDefaultArgs: ["--mute-audio"],
    args: [...CHROMIUM_ARGUMENTS, `--use-fake-ui-for-media-stream${answer}`, ...secure, ...(choices.arguments ?? [])],
    defaultViewport: { width: 1280, height: 800 },
  };
}

function firefox(choices: BrowserChoices): LaunchOptions {
  return {
    browser: "firefox",
    executablePath: choices.program ?? "/usr/bin/firefox-esr",
    args: choices.arguments ?? [],
    defaultViewport: { width: 1280, height: 800 },
    extraPrefsFirefox: {
      "intl.accept_languages": "ru",
      ...(choices.secureOrigin ? { "dom.securecontext.allowlist": new URL(choices.secureOrigin).hostname } : {}),
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": choices.permission !== "deny",
      "permissions.default.microphone": choices.permission === "deny" ? 2 : 0,
      "permissions.default.camera": choices.permission === "deny" ? 2 : 0,
    },
  };
}
