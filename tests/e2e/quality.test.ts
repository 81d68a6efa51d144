/** How good everybody's link is, in words, and which way the own media takes. */

import { ru as words } from "../../web/src/ui/words/ru.ts";
import type { BrowserKind } from "./harness/browsers.ts";
import { consultation } from "./harness/consultation.ts";
import { SLOW, story } from "./harness/stage.ts";

const KINDS: readonly BrowserKind[] = SLOW ? ["chromium", "firefox"] : ["chromium"];

for (const kind of KINDS) {
  story(`everybody's link in words (${kind})`, async (stage) => {
    const { patient, doctor } = await consultation(stage, { patient: kind });
    await patient.press("participants");
    await patient.readsSoon("[data-panel=participants]", words.link.level.good);
    await patient.readsSoon("[data-way]", words.link.way("UDP", false));
    await doctor.leave();
    await patient.readsSoon("[data-panel=participants]", words.room.absent);
  });
}
