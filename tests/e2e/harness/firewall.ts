/**
 * A firewall such as hospitals have, between the browsers and a server in the second network namespace: what it does not
 * let through vanishes silently.
 */

import { execFileSync } from "node:child_process";

import { FAR_ADDRESS, INTO_FAR_NETWORK } from "./server.ts";
import type { Stage } from "./stage.ts";

const TABLE = "inet konsilium_test";

const RULES = {
  udp: { input: "iifname != lo meta l4proto udp drop", output: "oifname != lo meta l4proto udp drop" },
  /** Media over TCP too: the pages, and whatever the relay listens on, are left. */
  media: {
    input: "iifname != lo meta l4proto udp drop; tcp dport 40000-40007 drop",
    output: "oifname != lo meta l4proto udp drop",
  },
} as const;

/** From now on until the end of the test. The server's media ports must be 40000 to 40007 to be blocked over TCP. */
export function block(stage: Pick<Stage, "closeLater">, what: keyof typeof RULES): void {
  if (!FAR_ADDRESS) {
    throw new Error("only in a network of its own: run it by devtools.namespace");
  }
  nft(`add table ${TABLE}`);
  for (const [hook, rules] of Object.entries(RULES[what])) {
    nft(`add chain ${TABLE} ${hook} { type filter hook ${hook} priority 0; ${rules}; }`);
  }
  stage.closeLater(() => Promise.resolve(nft(`delete table ${TABLE}`)));
}

function nft(commands: string): void {
  const [program = "", ...namespace] = INTO_FAR_NETWORK;
  execFileSync(program, [...namespace, "nft", "-f", "-"], { input: commands.replaceAll("; ", "\n") });
}
