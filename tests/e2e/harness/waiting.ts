/** Waits for something to become true. Deadlines are generous: they bound a failure, they measure nothing. */

import { setTimeout as sleep } from "node:timers/promises";

export async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`no ${what} within ${seconds} s`);
    }
    await sleep(200);
  }
}
