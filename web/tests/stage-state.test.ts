import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Stage } from "../src/call/stage.ts";
import {
  CALM_MILLISECONDS,
  EMPTY_STAGE,
  nextStage,
  type StageEvent,
  type StageState,
} from "../src/call/stage-state.ts";
import { daughter, doctor, interpreter, participant, patient } from "../src/shots/people.ts";
import { layoutOf, placeOf } from "../src/ui/room/stage-layout.ts";
import { snapshot } from "./fakes/people.ts";

const names = ["a", "b", "c", "d"];
const LATER = 10 * CALM_MILLISECONDS;

function present(all: readonly string[], screen: string | null = null): StageEvent {
  return { kind: "present", names: all, screen };
}

function then(state: StageState, event: StageEvent, now = LATER): StageState {
  return nextStage(state, event, now);
}

describe("the stage of a group", () => {
  const four = then(EMPTY_STAGE, present(names));
  const speaks = (name: string | null): StageEvent => ({ kind: "speaker", name });
  const pins = (name: string | null): StageEvent => ({ kind: "pin", name });

  it("lets whoever speaks change places with the large one, and moves nobody else", () => {
    expect(then(four, speaks("c")).places).toEqual(["c", "b", "a", "d"]);
  });

  it("changes its large place by itself no more often than every two seconds", () => {
    const first = then(four, speaks("c"));
    const soon = then(first, speaks("d"), LATER + CALM_MILLISECONDS - 1);
    expect(soon.places[0]).toBe("c");
    expect(then(soon, { kind: "time" }, LATER + CALM_MILLISECONDS).places).toEqual(["d", "b", "a", "c"]);
    const quiet = then(soon, speaks(null), LATER + CALM_MILLISECONDS - 1);
    expect(then(quiet, { kind: "time" }, LATER + CALM_MILLISECONDS).places[0]).toBe("c");
  });

  it("puts a pinned one large at once and keeps it, whoever speaks", () => {
    const pinned = then(then(four, speaks("c")), pins("b"));
    expect(pinned.places[0]).toBe("b");
    expect(then(pinned, speaks("d"), 2 * LATER).places[0]).toBe("b");
    expect(then(then(pinned, pins(null)), speaks("d"), 2 * LATER).places[0]).toBe("d");
  });

  it("shows a screen large before whoever speaks and before what was pinned until then", () => {
    const pinned = then(four, pins("b"));
    const shown = then(pinned, present(names, "b screen"));
    expect([shown.places[0], shown.pinned]).toEqual(["b screen", null]);
    expect(then(shown, speaks("d"), 2 * LATER).places[0]).toBe("b screen");
    const aside = then(shown, pins("d"));
    expect(aside.places[0]).toBe("d");
    expect(then(aside, present(names, "b screen")).places[0]).toBe("d");
    expect(then(aside, pins(null)).places[0]).toBe("b screen");
  });

  it("gives the place of who left to the most fitting one, and new people the last places", () => {
    const screen = then(four, present(names, "c screen"));
    expect(then(screen, present(names)).places[0]).toBe("a");
    expect(then(four, present(["b", "c", "d"])).places).toEqual(["b", "c", "d"]);
    expect(then(then(four, speaks("c")), present(["new", ...names])).places).toEqual(["c", "b", "a", "d", "new"]);
    expect(then(then(four, pins("c")), present(["a", "b"])).pinned).toBeNull();
  });

  it("takes no notice of somebody who is not on it", () => {
    expect(then(four, speaks("me")).places).toEqual(names);
    expect(then(four, pins("gone")).places).toEqual(names);
  });

  it("has room for all at every number of people", () => {
    expect(layoutOf(EMPTY_STAGE).kind).toBe("alone");
    expect(layoutOf(then(EMPTY_STAGE, present(["a"]))).kind).toBe("pair");
    for (let others = 2; others <= 8; others += 1) {
      const crowd = Array.from({ length: others }, (_, index) => `p${index}`);
      const state = then(EMPTY_STAGE, present(crowd));
      const { kind, rows, columns, own } = layoutOf(state);
      expect(kind).toBe("group");
      expect((rows + 1) * columns).toBeGreaterThanOrEqual(others);
      expect(own).toBe(others > 3 ? "low" : "tall");
      expect(crowd.map((name) => placeOf(state, name))).toEqual(["large", ...Array(others - 1).fill("beside")]);
    }
  });
});

describe("the stage of this page", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const people = [participant(patient), participant(daughter), participant(doctor), participant(interpreter)];

  it("shows neither oneself nor who is absent, and begins with the doctor", () => {
    const large = vi.fn();
    const stage = new Stage(large);
    const absent = participant(interpreter, { connection: "absent" });
    stage.follow({ ...snapshot, participants: [...people.slice(0, 3), absent], screen: patient.id }, patient.id);
    expect(stage.state.value.places).toEqual([doctor.id, daughter.id]);
    expect(stage.state.value.screen).toBeNull();
    expect(large).toHaveBeenCalledWith(doctor.id);
  });

  it("lets who waits for the calm have the place when it is over, once, and frees its timer", async () => {
    const stage = new Stage(() => {});
    stage.follow({ ...snapshot, participants: people }, patient.id);
    await vi.advanceTimersByTimeAsync(LATER);
    stage.hear(daughter.id);
    stage.hear(interpreter.id);
    expect(stage.state.value.places[0]).toBe(daughter.id);
    await vi.advanceTimersByTimeAsync(CALM_MILLISECONDS);
    expect(stage.state.value.places[0]).toBe(interpreter.id);
    stage.hear(doctor.id);
    stage.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
