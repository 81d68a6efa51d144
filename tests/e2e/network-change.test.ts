/** The patient's Wi-Fi goes away and another network comes: the call goes on by itself, on the same page. */

import assert from "node:assert/strict";

import type { BrowserKind } from "./harness/browsers.ts";
import { seeAndHear } from "./harness/consultation.ts";
import { arrived, changeNetwork, clientProgram, type Link, SERVICE_ADDRESS, setLink } from "./harness/networks.ts";
import { Person } from "./harness/person.ts";
import { SLOW, type Stage, story } from "./harness/stage.ts";
import { until } from "./harness/waiting.ts";

const KINDS: readonly BrowserKind[] = SLOW ? ["chromium", "firefox"] : ["chromium"];
const CHANGES: readonly [Link, Link][] = [
  ["wifi", "mobile"],
  ["mobile", "wifi"],
];
/** More than signalling alone brings while it connects again. */
const MEDIA_PACKETS = 300;

async function patientElsewhere(stage: Stage, kind: BrowserKind): Promise<{ patient: Person; doctor: Person }> {
  const server = await stage.server({ arguments: ["--host", "0.0.0.0"] });
  const links = server.appointment("waiting_for_practitioner");
  const doctor = new Person(await stage.open("doctor", "chromium"));
  await doctor.visit(at("localhost", links.practitioner));
  await doctor.enter();
  await doctor.isInside();
  const link = at(SERVICE_ADDRESS, links.patient);
  const choices = { program: clientProgram(kind), secureOrigin: new URL(link).origin };
  const patient = new Person(await stage.open("patient", kind, choices));
  await patient.visit(link);
  await patient.enter();
  await patient.isInside();
  await seeAndHear(patient, doctor);
  return { patient, doctor };
}

function at(host: string, link: string): string {
  const url = new URL(link);
  url.hostname = host;
  return url.href;
}

for (const kind of KINDS) {
  story(`${kind}: the network changes and changes back: the call goes on on the same page`, async (stage) => {
    setLink("mobile", "down");
    stage.closeLater(async () => {
      setLink("wifi", "up");
      setLink("mobile", "up");
    });
    const { patient, doctor } = await patientElsewhere(stage, kind);
    const born = await patient.page.evaluate(() => performance.timeOrigin);
    for (const [from, to] of CHANGES) {
      const before = arrived(to);
      changeNetwork(from, to);
      await until("media by the other network", 30, async () => arrived(to) - before > MEDIA_PACKETS);
      await seeAndHear(patient, doctor);
      await patient.seesNoMore("[data-line=connection]");
    }
    assert.equal(await patient.page.evaluate(() => performance.timeOrigin), born, "the page was loaded anew");
  });
}
