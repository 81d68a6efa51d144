/** Hospitals' firewalls: whatever way is left, doctor and patient see and hear each other. */

import assert from "node:assert/strict";

import type { MediaWay } from "../../web/src/call/media-way.ts";
import { consultation, seeAndHear } from "./harness/consultation.ts";
import { block } from "./harness/firewall.ts";
import { way } from "./harness/media.ts";
import type { Person } from "./harness/person.ts";
import { SLOW, story } from "./harness/stage.ts";
import { turnServer } from "./harness/turn-server.ts";
import { until } from "./harness/waiting.ts";

const PORTS = ["--udp-ports", "40000-40007"];
const SERVER = { far: true, arguments: PORTS };
/** The relay's certificate is of the test's own making. */
const TRUSTING = { arguments: ["--ignore-certificate-errors"] };

async function goesBy(person: Person, expected: MediaWay): Promise<void> {
  await until(`media by ${JSON.stringify(expected)}`, 20, async () => {
    const now = await way(person.page);
    return now?.protocol === expected.protocol && now.relayed === expected.relayed;
  });
}

for (const browser of ["chromium", "firefox"] as const) {
  story(`${browser}: where UDP is blocked, media goes over TCP`, async (stage) => {
    block(stage, "udp");
    const { patient, doctor } = await consultation(stage, { server: SERVER, patient: browser });
    await goesBy(patient, { protocol: "tcp", relayed: false });
    await goesBy(doctor, { protocol: "tcp", relayed: false });
  });

  if (browser === "firefox" && !SLOW) continue;
  story(`${browser}: where only a relay can be reached, media goes through it`, async (stage) => {
    const relay = await turnServer(stage);
    block(stage, "media");
    const server = { ...SERVER, arguments: [...PORTS, ...relay.settings("udp", "tcp")] };
    const { patient, doctor } = await consultation(stage, { server, patient: browser });
    await goesBy(patient, { protocol: "tcp", relayed: true });
    await goesBy(doctor, { protocol: "tcp", relayed: true });
  });
}

story("where only TLS gets through, media goes to the relay by TLS", async (stage) => {
  const relay = await turnServer(stage);
  block(stage, "media");
  const server = { ...SERVER, arguments: [...PORTS, ...relay.settings("tls")] };
  const { patient } = await consultation(stage, { server, browser: TRUSTING });
  await goesBy(patient, { protocol: "tls", relayed: true });
});

story("where nothing is blocked, media goes straight by UDP, relay or not", async (stage) => {
  const relay = await turnServer(stage);
  const server = { ...SERVER, arguments: [...PORTS, ...relay.settings("udp", "tcp")] };
  const { patient, doctor } = await consultation(stage, { server });
  await goesBy(patient, { protocol: "udp", relayed: false });
  await goesBy(doctor, { protocol: "udp", relayed: false });
});

story("UDP is blocked in the middle of a call: it goes on over TCP on the same page", async (stage) => {
  const { patient, doctor } = await consultation(stage, { server: SERVER });
  await goesBy(patient, { protocol: "udp", relayed: false });
  const before = await patient.page.evaluate(() => performance.timeOrigin);
  block(stage, "udp");
  await goesBy(patient, { protocol: "tcp", relayed: false });
  await goesBy(doctor, { protocol: "tcp", relayed: false });
  await seeAndHear(patient, doctor);
  assert.equal(await patient.page.evaluate(() => performance.timeOrigin), before, "the page was loaded anew");
});
