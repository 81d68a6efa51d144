import { demo } from "./en/demo.ts";
import { devices } from "./en/devices.ts";
import { page } from "./en/page.ts";
import { room } from "./en/room.ts";
import { verdicts } from "./en/verdicts.ts";
import type { Words } from "./ru.ts";

/** Every word that people read, in English. */
export const en: Words = { ...page, ...verdicts, ...devices, ...room, ...demo };
