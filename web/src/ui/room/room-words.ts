import type { ShareTrouble } from "../../call/screen-share-state.ts";
import type { ParticipantView } from "../../protocol/generated.ts";
import type { Words } from "../words/ru.ts";
import type { RoomView } from "./room-view.ts";

/** Why the own screen is not shown; names whoever shows theirs. */
export function shareTroubleText(
  said: Words["room"]["screen"],
  trouble: ShareTrouble,
  { sharer, me }: Pick<RoomView, "sharer" | "me">,
): string {
  const text = said.troubles[trouble];
  if (typeof text === "string") return text;
  // Before the room's news have come, nobody knows who it is.
  return text(sharer && sharer.person.id !== me.person.id ? sharer.person.name : said.somebody);
}

/** What happens when this person leaves: only the patient gets a conclusion. */
export function leaveText(said: Words["room"], { person }: ParticipantView): string {
  if (person.role === "practitioner") return said.leaveTextStaff;
  return person.role === "patient" ? said.leaveTextPatient : said.leaveText;
}
