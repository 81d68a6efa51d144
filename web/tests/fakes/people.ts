import type { JoinResult, MediaAnswer, RoomSnapshot } from "../../src/protocol/generated.ts";
import { doctor, participant, patient } from "../../src/shots/people.ts";
import type { Sent } from "./played-transport.ts";

export const snapshot: RoomSnapshot = {
  version: 1,
  room: "apt_1",
  started_at: null,
  participants: [participant(patient), participant(doctor)],
  notice: null,
  finished: false,
  screen: null,
};

/** The doctor is on the first pair of receive-only sections. */
const slots = [
  { mid: "3", participant: doctor.id },
  { mid: "4", participant: doctor.id },
];

export interface SentOffer {
  readonly connection: string;
  readonly number: number;
  readonly sdp: string;
}

export function offerOf(sent: Sent): SentOffer {
  return sent.payload.offer as SentOffer;
}

export function answerTo(offer: SentOffer, carried = slots): MediaAnswer {
  return { description: { ...offer, sdp: `answer ${offer.number}` }, slots: carried, missing_slots: 0 };
}

export function joined(sent: Sent, change: Partial<JoinResult> = {}): { ok: true; result: JoinResult } {
  const offer = offerOf(sent);
  const answer = offer ? answerTo(offer) : null;
  return { ok: true, result: { snapshot, me: patient.id, answer, media_resumed: false, ...change } };
}

export function refused(code: string, verdict: unknown = null): object {
  return { ok: false, error: { code, detail: "", verdict } };
}
