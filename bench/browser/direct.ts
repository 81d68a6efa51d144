/** Two measured pages connected straight to each other, with no server of ours between: what the browsers alone take. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "puppeteer-core";

import { MeasuredPage, now, type PageChoices } from "./page.ts";

const HTML = "<!doctype html><button data-action=enter>Enter</button><video autoplay playsinline></video>";

export class DirectCall {
  readonly caller: MeasuredPage;
  readonly callee: MeasuredPage;
  readonly #closeSite: () => void;

  private constructor(caller: MeasuredPage, callee: MeasuredPage, closeSite: () => void) {
    this.caller = caller;
    this.callee = callee;
    this.#closeSite = closeSite;
  }

  /** Both see and hear each other at the end. */
  static async open(caller: Omit<PageChoices, "source"> = {}): Promise<DirectCall> {
    const site = createServer((_, answer) => {
      answer.setHeader("content-type", "text/html");
      answer.end(HTML);
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const url = `http://localhost:${(site.address() as AddressInfo).port}/`;
    const pages = await Promise.all([MeasuredPage.open({ source: 1, ...caller }), MeasuredPage.open({ source: 2 })]);
    const call = new DirectCall(...pages, () => site.close());
    for (const { page } of pages) {
      await page.goto(url);
      await page.click("[data-action=enter]");
    }
    await connect(pages[0].page, pages[1].page);
    await Promise.all(pages.map((each) => each.inCall(now())));
    return call;
  }

  async close(): Promise<void> {
    await Promise.all([this.caller.close(), this.callee.close()]);
    this.#closeSite();
  }
}

async function connect(caller: Page, callee: Page): Promise<void> {
  // The callee learns the caller's address from its checks alone, as our server does; and a name can't be relayed.
  const offer = (await describe(caller, null)).replaceAll(/^a=candidate.*\r\n/gm, "");
  const answer = (await describe(callee, offer)).replaceAll(/\S+\.local/g, "127.0.0.1");
  await caller.evaluate((sdp) => window.senses.connections[0]?.setRemoteDescription({ type: "answer", sdp }), answer);
}

async function describe(page: Page, offer: string | null): Promise<string> {
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
