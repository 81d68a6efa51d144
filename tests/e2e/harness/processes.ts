/** Stops a browser as a sleeping machine does: nothing of it runs. */

import { readdirSync, readFileSync } from "node:fs";
import type { Browser } from "puppeteer-core";

export async function stopped(browser: Browser, seconds: number): Promise<void> {
  const pids = descendants(browser.process()?.pid ?? 0);
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  try {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  } finally {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  }
}

function descendants(parent: number): number[] {
  // Any thread may have started one.
  const threads = readdirSync(`/proc/${parent}/task`);
  const children = threads.flatMap((thread) =>
    readFileSync(`/proc/${parent}/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return [parent, ...children.flatMap((child) => descendants(Number(child)))];
}
