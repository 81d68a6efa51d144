import { describe, expect, it } from "vitest";
import { ENDINGS } from "../src/call/lobby-state.ts";
import { SHARE_TROUBLES } from "../src/call/screen-share-state.ts";
import { CONNECTION_STATE_VALUES, VERDICT_CODE_VALUES } from "../src/protocol/generated.ts";
import { joinShots } from "../src/shots/join-shots.ts";
import { roomShots } from "../src/shots/room-shots.ts";
import { JOIN_STATES, ROOM_STATES } from "../src/shots/states.ts";
import { ru } from "../src/ui/words/ru.ts";

// The compiler refuses a declared state without a fixture (`Record` over the union); these hold at run time, and hold
// the declared states to what the server and the words know.
describe("every state of the screens has a picture", () => {
  it("on the join page, and none that is not declared", () => {
    expect(Object.keys(joinShots).sort()).toEqual([...JOIN_STATES].sort());
  });

  it("in the room, and none that is not declared", () => {
    expect(Object.keys(roomShots).sort()).toEqual([...ROOM_STATES].sort());
  });

  it.each(VERDICT_CODE_VALUES)("verdict %s", (code) => {
    expect(joinShots[code]().lobby).toMatchObject({ kind: "outside", verdict: { code } });
  });

  it.each(ENDINGS)("ending %s", (ending) => {
    expect(joinShots[`over-${ending}`]().lobby).toMatchObject({ kind: "over", ending });
  });

  it.each(Object.keys(ru.room.notices))("notice %s", (notice) => {
    expect(ROOM_STATES).toContain(`notice-${notice}`);
  });

  it.each(SHARE_TROUBLES)("trouble with the own screen: %s", (trouble) => {
    expect(ru.room.screen.troubles).toHaveProperty(trouble);
    expect(ROOM_STATES).toContain(`share-${trouble}`);
  });

  it.each(CONNECTION_STATE_VALUES.filter((one) => one !== "absent" && one !== "live"))("a peer %s", (connection) => {
    expect(ROOM_STATES).toContain(`peer-${connection}`);
  });

  it.each(["connecting", "unstable", "reconnecting", "linkDown"] as const)("own connection: %s", (said) => {
    expect(ru.connection).toHaveProperty(said);
    expect(ROOM_STATES).toContain(said === "linkDown" ? "link-down" : said);
  });
});
