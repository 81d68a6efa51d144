// Takes a picture of every declared state of the screens: `npm run shots -- --out DIR [--only TEXT]`.
// Fails when one could not be taken.
import { mkdirSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { LANGUAGES, openScreens, type Screen, type Screens, SIZES } from "./screens.ts";

const { values } = parseArgs({
  options: { out: { type: "string", default: "shots" }, only: { type: "string", default: "" } },
});

async function take(screens: Screens, screen: Screen, language: string, path: string): Promise<string> {
  try {
    await screens.show(screen, language);
    await screens.page.screenshot({ path: path as `${string}.png`, fullPage: screen.screen !== "room" });
    return statSync(path).size > 1000 ? "" : `${path}: empty`;
  } catch (error) {
    return `${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

mkdirSync(values.out, { recursive: true });
const screens = await openScreens();
const chosen = screens.all.filter(({ screen, state }) => `${screen}-${state}`.includes(values.only));
const faults: string[] = [];
let taken = 0;
screens.page.on("pageerror", (error) => faults.push(String(error)));
try {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await screens.page.setViewport(viewport);
    for (const screen of chosen) {
      for (const language of LANGUAGES) {
        const path = `${values.out}/${screen.screen}-${screen.state}-${size}-${language}.png`;
        const fault = await take(screens, screen, language, path);
        if (fault) faults.push(fault);
        else taken += 1;
      }
    }
  }
} finally {
  await screens.close();
}
console.log(`${taken} pictures of ${chosen.length} states in ${values.out}`);
if (faults.length > 0 || taken === 0) {
  console.error(faults.join("\n") || "no such state");
  process.exit(1);
}
