import type { LinkQuality, QualityChanged } from "../protocol/generated.ts";

/** How good each person's link is, by participant; nobody is in it who has no sound and picture. */
export type LinkQualities = ReadonlyMap<string, LinkQuality>;

export const UNKNOWN_LINKS: LinkQualities = new Map();

/** The server always tells of everybody at once. */
export function linkQualities(event: QualityChanged): LinkQualities {
  return new Map(event.people.map((one) => [one.participant, one]));
}
