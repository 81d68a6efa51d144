import { demo } from "./ru/demo.ts";
import { devices } from "./ru/devices.ts";
import { page } from "./ru/page.ts";
import { room } from "./ru/room.ts";
import { verdicts } from "./ru/verdicts.ts";

/** Every word that people read, in Russian. English must have exactly the same keys (`Words`). */
export const ru = { ...page, ...verdicts, ...devices, ...room, ...demo };

export type Words = typeof ru;
