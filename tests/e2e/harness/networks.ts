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
/** The browser's own. */
export const ADDRESSES = { wifi: "10.99.1.2", mobile: "10.99.2.2" };
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

/** `link` goes away and the other one comes. */
export function changeNetwork(link: Link): void {
  setLink(link, "down");
  setLink(link === "wifi" ? "mobile" : "wifi", "up");
}

function ip(...words: string[]): void {
  execFileSync("ip", ["-n", CLIENT, ...words]);
}
