/** The instruments of the benches, tried between two pages with no server of ours: through a path made bad on purpose. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { DirectCall } from "../../bench/browser/direct.ts";
import { now } from "../../bench/browser/page.ts";
import { Path } from "../../bench/browser/path.ts";
import { story } from "./harness/stage.ts";

story("a stamped picture and a beep are measured through a path of our making", async (stage) => {
  const path = new Path();
  stage.closeLater(async () => path.close());
  const call = await DirectCall.open({ path });
  stage.closeLater(() => call.close());
  assert.ok((await path.report()).down.forwarded > 0, "the media takes the path");

  await path.impair({ down: { delay_ms: 150 } });
  await sleep(3000);
  const delayed = now();
  await sleep(2000);
  const { seen, levels } = await call.caller.sensed(delayed);
  assert.ok(seen.length > 10, "pictures arrive");
  assert.ok(
    seen.every((frame) => frame.shown - frame.drawn > 150),
    "no picture is faster than the path",
  );
  assert.ok(levels.some(({ level }) => level > 0.005));

  await path.impair({ down: { blackout: true } });
  await sleep(1500);
  const dark = now();
  await sleep(1000);
  assert.deepEqual((await call.caller.sensed(dark)).seen, []);
});
