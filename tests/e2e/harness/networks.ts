/**
 * The client side of `devtools/namespace.py`: a network of its own with two links to the server, one of which can go
 * away while the other comes, as when a phone leaves the house.
 */

import { execFileSync } from "node:child_process";
import { join } from "node:path";

import type { BrowserKind } from "./browsers.ts";

/** The server's address on every link. */
export const SERVICE_ADDRESS = process.env.KONSILIUM_SERVICE_ADDRESS ?? "";
const CLIENT = process.env.KONSILIUM_CLIENT_NAMESPACE ?? "";
const GATEWAYS = { wifi: "10.99.1.1", mobile: "10.99.2.1" };

export type Link = keyof typeof GATEWAYS;

/** The program that starts this browser on the client side. */
export function clientProgram(kind: BrowserKind): string {
  return join(import.meta.dirname, "programs", `${kind}-on-the-client-side`);
}

export function setLink(link: Link, state: "up" | "down"): void {
  ip("link", "set", link, state);
  if (state === "up") {
    // A link that goes down takes its routes with it.
    ip("route", "replace", "default", "via", GATEWAYS[link], "metric", link === "wifi" ? "100" : "101");
  }
}

/** One link goes away and the other one comes. */
export function changeNetwork(from: Link, to: Link): void {
  setLink(from, "down");
  setLink(to, "up");
}

/** Packets that have come to the client side by this link so far. */
export function arrived(link: Link): number {
  const [told] = JSON.parse(ip("-s", "-j", "link", "show", link));
  return told.stats64.rx.packets;
}

function ip(...words: string[]): string {
  return execFileSync("ip", ["-n", CLIENT, ...words], { encoding: "utf8" });
}
