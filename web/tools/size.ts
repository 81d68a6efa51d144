// Fails when all the JavaScript that the join page and the room may load is over the budget, gzipped.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const BUDGET_KILOBYTES = 120;
const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const CONFIG = fileURLToPath(new URL("../vite.config.ts", import.meta.url));

await build({ configFile: CONFIG, logLevel: "warn" });
const scripts = readdirSync(`${DIST}assets`).filter((name) => name.endsWith(".js"));
let total = 0;
for (const name of scripts.sort()) {
  const kilobytes = gzipSync(readFileSync(`${DIST}assets/${name}`)).length / 1000;
  total += kilobytes;
  console.log(`${kilobytes.toFixed(1).padStart(7)} kB  ${name}`);
}
console.log(`${total.toFixed(1).padStart(7)} kB  gzipped in total, budget ${BUDGET_KILOBYTES} kB`);
if (scripts.length === 0 || total > BUDGET_KILOBYTES) {
  console.error("The JavaScript is over its budget.");
  process.exit(1);
}
