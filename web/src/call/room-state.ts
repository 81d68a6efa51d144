import type { ParticipantChanged, ParticipantView, RoomChanged, RoomSnapshot } from "../protocol/generated.ts";

/** `apply(snapshot, event)` equals the server's next snapshot; events not newer than the snapshot change nothing. */
export function participantChanged(room: RoomSnapshot, event: ParticipantChanged): RoomSnapshot {
  if (event.version <= room.version) return room;
  return { ...room, version: event.version, participants: withParticipant(room.participants, event.participant) };
}

export function roomChanged(room: RoomSnapshot, event: RoomChanged): RoomSnapshot {
  if (event.version <= room.version) return room;
  const { version, started_at, notice, finished, screen } = event;
  return { ...room, version, started_at, notice, finished, screen };
}

/** Whether somebody else shows a screen who need not give way to this person. */
export function screenIsTaken(room: RoomSnapshot | null, me: string): boolean {
  if (!room || room.screen === null || room.screen === me) return false;
  return room.participants.find(({ person }) => person.id === me)?.person.role !== "practitioner";
}

function withParticipant(people: readonly ParticipantView[], changed: ParticipantView): readonly ParticipantView[] {
  const known = people.some((one) => one.person.id === changed.person.id);
  if (!known) return [...people, changed];
  return people.map((one) => (one.person.id === changed.person.id ? changed : one));
}
