/** The probes that all other stories stand on, tried browser to browser with no server of ours between. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "puppeteer-core";

import type { BrowserKind } from "./harness/browsers.ts";
import { moves, silent, sounds } from "./harness/media.ts";
import { type Stage, story } from "./harness/stage.ts";

async function emptyPage(stage: Stage): Promise<string> {
  const server = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(
      "<!doctype html><title>two ends</title><video autoplay playsinline></video><button onclick=\"document.querySelector('video').play()\">Play</button>",
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.closeLater(() => new Promise((resolve) => void server.close(() => resolve())));
  return `http://localhost:${(server.address() as AddressInfo).port}/`;
}

async function makeEnd(page: Page, remoteOffer: string | null): Promise<string> {
  return page.evaluate(async (offer) => {
    const connection = new RTCPeerConnection();
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    connection.addEventListener("track", (event) => {
      const video = document.querySelector("video");
      if (video && event.streams[0]) {
        video.srcObject = event.streams[0];
      }
    });
    if (offer) {
      await connection.setRemoteDescription({ type: "offer", sdp: offer });
    }
    for (const track of stream.getTracks()) {
      connection.addTrack(track, stream);
    }
    await connection.setLocalDescription();
    if (connection.iceGatheringState !== "complete") {
      await new Promise<void>((resolve) => {
        connection.addEventListener("icegatheringstatechange", () => {
          if (connection.iceGatheringState === "complete") {
            resolve();
          }
        });
      });
    }
    return connection.localDescription?.sdp ?? "";
  }, remoteOffer);
}

async function callEachOther(stage: Stage, first: BrowserKind, second: BrowserKind): Promise<[Page, Page]> {
  const url = await emptyPage(stage);
  const caller = await stage.open("caller", first);
  const callee = await stage.open("callee", second);
  await Promise.all([caller.goto(url), callee.goto(url)]);
  const answer = await makeEnd(callee, await makeEnd(caller, null));
  await caller.evaluate(async (sdp) => {
    await window.instruments.connections[0]?.setRemoteDescription({ type: "answer", sdp });
  }, answer);
  // Only a person's press lets a page make sound.
  await caller.click("button");
  await callee.click("button");
  return [caller, callee];
}

story("the probes see and hear Chromium and Firefox", async (stage) => {
  const [caller, callee] = await callEachOther(stage, "chromium", "firefox");
  await Promise.all([moves(caller), moves(callee), sounds(caller), sounds(callee)]);
});

story("the probes notice silence", async (stage) => {
  const [caller, callee] = await callEachOther(stage, "chromium", "chromium");
  await sounds(callee);
  await caller.evaluate(() => {
    for (const track of window.instruments.localTracks) {
      track.enabled = false;
    }
  });
  await silent(callee);
});
