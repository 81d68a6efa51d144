import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { participantChanged, roomChanged } from "../src/call/room-state.ts";
import type { ParticipantChanged, RoomChanged, RoomSnapshot } from "../src/protocol/generated.ts";

const FIXTURES = new URL("../../tests/fixtures/room/", import.meta.url);

/** The same files that the server's own room is tested with. */
interface Fixture {
  readonly why: string;
  readonly snapshot: RoomSnapshot;
  readonly events: readonly { readonly name: string; readonly data: unknown }[];
  readonly after: RoomSnapshot;
}

function apply(room: RoomSnapshot, event: Fixture["events"][number]): RoomSnapshot {
  if (event.name === "participant.changed") return participantChanged(room, event.data as ParticipantChanged);
  if (event.name === "room.changed") return roomChanged(room, event.data as RoomChanged);
  return room;
}

const fixtures = readdirSync(FIXTURES).map((name) => {
  const fixture = JSON.parse(readFileSync(new URL(name, FIXTURES), "utf8")) as Fixture;
  return { name, ...fixture };
});

describe("the room as this page keeps it", () => {
  it("has fixtures to be tested with", () => {
    expect(fixtures.length).toBeGreaterThan(0);
  });

  it.each(fixtures)("equals the server's: $name", ({ snapshot, events, after }) => {
    expect(events.reduce(apply, snapshot)).toEqual(after);
  });
});
