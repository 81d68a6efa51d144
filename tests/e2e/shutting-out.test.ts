/** A link that is taken back while its person is inside. */

import assert from "node:assert/strict";

import { ru as words } from "../../web/src/ui/words/ru.ts";
import { consultation } from "./harness/consultation.ts";
import { liveTracks, remotePicture } from "./harness/media.ts";
import { story } from "./harness/stage.ts";
import { until } from "./harness/waiting.ts";

const TILE = "[data-tile]";

story("a link revoked during the call ends it: the page says why, the other is told", async (stage) => {
  const { server, patient, doctor, appointment } = await consultation(stage);
  await server.act(appointment.id, "revoke-link");
  await patient.sees('[data-verdict="link_revoked"]');
  await patient.readsSoon("h1", words.verdicts.link_revoked.title);
  await until("freed devices", 10, async () => (await liveTracks(patient.page)) === 0);
  assert.equal(await patient.can("enter"), false);

  await doctor.seesNoMore(TILE);
  assert.equal(await remotePicture(doctor.page), "");
  await doctor.isInside();

  await patient.visit(appointment.patient);
  await patient.sees('[data-verdict="link_revoked"]');
});
