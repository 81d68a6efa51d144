import { describe, expect, it } from "vitest";
import { ENDINGS } from "../src/call/lobby-state.ts";
import { VERDICT_CODE_VALUES } from "../src/protocol/generated.ts";
import { joinShots } from "../src/shots/join-shots.ts";
import { roomShots } from "../src/shots/room-shots.ts";
import { SHOWN_TROUBLES } from "../src/ui/devices-view.ts";

// The compiler refuses a declared state without a picture (`Record` over the union); these hold at run time what
// comes from the lists that the server and the screens declare.
describe("every state of the screens has a picture", () => {
  it.each(VERDICT_CODE_VALUES)("verdict %s", (code) => {
    const view = joinShots[code]();
    expect(view.lobby).toMatchObject({ kind: "outside", verdict: { code } });
  });

  it.each(ENDINGS)("ending %s", (ending) => {
    expect(joinShots[`over-${ending}`]().lobby).toMatchObject({ kind: "over", ending });
  });

  it.each(SHOWN_TROUBLES)("trouble %s", (trouble) => {
    expect(joinShots).toHaveProperty(`trouble-${trouble}`);
  });

  it("and so has every connection of the room", () => {
    for (const state of ["connecting", "two", "unstable", "reconnecting", "link-down"]) {
      expect(roomShots).toHaveProperty(state);
    }
  });
});
