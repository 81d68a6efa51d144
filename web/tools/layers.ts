// Fails when a layer of the client imports upward: ui → call → signal → protocol.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../src", import.meta.url));

/** Lowest first; a folder may import itself and those before it. Files directly in `src` start the pages. */
const LAYERS = ["protocol", "signal", "call", "ui", "shots"];

const IMPORT = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

function layerOf(path: string): number {
  const folder = relative(SOURCE, path).split("/")[0] ?? "";
  const layer = LAYERS.indexOf(folder);
  return layer === -1 ? LAYERS.length : layer;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

const upward = sources(SOURCE).flatMap((path) =>
  [...readFileSync(path, "utf8").matchAll(IMPORT)]
    .map((match) => resolve(dirname(path), match[1] ?? ""))
    .filter((target) => layerOf(target) > layerOf(path))
    .map((target) => `${relative(SOURCE, path)} must not import ${relative(SOURCE, target)}`),
);

if (upward.length > 0) {
  console.error(upward.join("\n"));
  process.exit(1);
}
console.log(`layers: ${LAYERS.join(" ← ")} hold`);
