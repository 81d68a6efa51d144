/** The instruments of the benches, tried between two pages with no server of ours: through a path made bad on purpose. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "puppeteer-core";

import { MeasuredPage, now } from "../../bench/browser/page.ts";
import { Path } from "../../bench/browser/path.ts";
import { type Stage, story } from "./harness/stage.ts";

async function site(stage: Stage): Promise<string> {
  const server = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end("<!doctype html><button data-action=enter>Join</button><video autoplay playsinline></video>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.closeLater(() => new Promise((resolve) => void server.close(() => resolve())));
  return `http://localhost:${(server.address() as AddressInfo).port}/`;
}

async function join(page: Page, offer: string | null): Promise<string> {
  return page.evaluate(async (remote) => {
    const connection = new RTCPeerConnection();
    const stream = new MediaStream();
    for (const kind of ["audio", "video"] as const) {
      for (const track of (await navigator.mediaDevices.getUserMedia({ [kind]: true })).getTracks()) {
        stream.addTrack(track);
      }
    }
    connection.addEventListener("track", (event) => {
      const video = document.querySelector("video");
      if (video) {
        video.srcObject = event.streams[0] ?? null;
      }
    });
    if (remote) {
      await connection.setRemoteDescription({ type: "offer", sdp: remote });
    }
    for (const track of stream.getTracks()) {
      connection.addTrack(track, stream);
    }
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== "complete") {
      await new Promise((resolve) => connection.addEventListener("icegatheringstatechange", resolve, { once: true }));
    }
    return connection.localDescription?.sdp ?? "";
  }, offer);
}

story("a stamped picture and a beep are measured through a path of our making", async (stage) => {
  const path = new Path();
  stage.closeLater(async () => path.close());
  const [caller, callee] = await Promise.all([
    MeasuredPage.open({ source: 1, path }),
    MeasuredPage.open({ source: 2 }),
  ]);
  stage.closeLater(() => caller.close());
  stage.closeLater(() => callee.close());
  const url = await site(stage);
  await Promise.all([caller.page.goto(url), callee.page.goto(url)]);

  await caller.page.click("[data-action=enter]");
  // The callee learns of the caller by the relay alone, as our server does; and a host name can't be relayed.
  const offer = (await join(caller.page, null)).replaceAll(/^a=candidate.*\r\n/gm, "");
  const answer = (await join(callee.page, offer)).replaceAll(/\S+\.local/g, "127.0.0.1");
  await caller.page.evaluate(
    (sdp) => window.senses.connections[0]?.setRemoteDescription({ type: "answer", sdp }),
    answer,
  );
  await Promise.all([caller.inCall(now()), callee.inCall(now())]);
  assert.ok((await path.report()).down.forwarded > 0, "the media takes the path");

  await path.impair({ down: { delay_ms: 150 } });
  await sleep(3000);
  const delayed = now();
  await sleep(2000);
  const { seen, levels } = await caller.sensed(delayed);
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
  assert.deepEqual((await caller.sensed(dark)).seen, []);
});
