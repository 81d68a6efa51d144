// Takes anew the few small pictures that are kept in `docs/screens/`: `npm run shots:kept`.
import { mkdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openScreens, SIZES } from "./screens.ts";

const FOLDER = fileURLToPath(new URL("../../docs/screens/", import.meta.url));
const LIMIT_BYTES = 60_000;

const KEPT = [
  { name: "room", screen: "room", state: "two", size: "desktop", language: "ru" },
  { name: "room-phone", screen: "room", state: "two", size: "phone", language: "ru" },
  { name: "group", screen: "room", state: "six", size: "desktop", language: "ru" },
  { name: "screen-phone", screen: "room", state: "screen-group", size: "phone", language: "ru" },
  { name: "participants", screen: "room", state: "participants", size: "desktop", language: "en" },
  { name: "ready-phone", screen: "join", state: "ready", size: "phone", language: "ru" },
  { name: "payment-phone", screen: "join", state: "payment_required", size: "phone", language: "ru" },
  { name: "waiting", screen: "join", state: "waiting-delay", size: "desktop", language: "en" },
] as const;

mkdirSync(FOLDER, { recursive: true });
const screens = await openScreens();
try {
  for (const { name, size, language, ...screen } of KEPT) {
    const path = `${FOLDER}${name}.webp` as const;
    // Wide pictures at half their size; phones a little larger, so that their words can be read.
    await screens.page.setViewport({ ...SIZES[size], deviceScaleFactor: size === "phone" ? 0.75 : 0.5 });
    await screens.show(screen, language);
    await screens.page.screenshot({ path, type: "webp", quality: 80 });
    const { size: bytes } = statSync(path);
    console.log(`${name}.webp: ${Math.round(bytes / 1000)} kB`);
    if (bytes > LIMIT_BYTES) throw new Error(`${name}.webp is larger than ${LIMIT_BYTES} bytes`);
  }
} finally {
  await screens.close();
}
