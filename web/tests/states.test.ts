import { describe, expect, it } from "vitest";
import { browserFitness } from "../src/call/browser.ts";
import { type CallConnection, type ConnectionEvent, nextConnection, START } from "../src/call/connection-state.ts";
import { toldState, troubleOf } from "../src/call/device-state.ts";
import { type Lobby, type LobbyEvent, nextLobby, shouldEnter } from "../src/call/lobby-state.ts";
import { loudness } from "../src/call/sound.ts";
import { VERDICT_CODE_VALUES } from "../src/protocol/generated.ts";
import { verdict } from "../src/shots/people.ts";
import { toldDelay } from "../src/ui/join/join-view.ts";

function play(events: readonly LobbyEvent[], from: Lobby = { kind: "opening" }): Lobby {
  return events.reduce(nextLobby, from);
}

describe("the way from the link to the room", () => {
  const waiting = verdict("waiting_for_practitioner");
  const admitted = verdict("admitted");

  it("keeps the wish to enter until the practitioner comes, and then enters by itself", () => {
    const told = play([
      { kind: "opened", verdict: waiting },
      { kind: "want" },
      { kind: "entering" },
      { kind: "refused", code: "not_admitted", verdict: waiting },
    ]);
    expect(told).toMatchObject({ kind: "outside", entry: { kind: "wanted" } });
    const news: LobbyEvent = { kind: "verdict", verdict: admitted };
    expect(shouldEnter(told, news, nextLobby(told, news))).toBe(true);
  });

  it("tells the practitioner once that somebody waits, not at every piece of news", () => {
    const told = play([{ kind: "opened", verdict: waiting }, { kind: "want" }]);
    const news: LobbyEvent = { kind: "verdict", verdict: { ...waiting, delay_minutes: 5 } };
    expect(shouldEnter(told, news, nextLobby(told, news))).toBe(false);
  });

  it.each([
    [null, null],
    [0, null],
    [4, null],
    [5, 5],
    [210, 210],
  ])("tells how long the doctor is awaited, and nothing in the first minutes (%s)", (minutes, told) => {
    expect(toldDelay({ ...waiting, delay_minutes: minutes })).toBe(told);
  });

  it("never enters because of a refusal, so that a refusal can't repeat itself", () => {
    const before = play([{ kind: "opened", verdict: admitted }, { kind: "want" }, { kind: "entering" }]);
    const refusal: LobbyEvent = { kind: "refused", code: "disconnected", verdict: null };
    expect(shouldEnter(before, refusal, nextLobby(before, refusal))).toBe(false);
  });

  it.each(VERDICT_CODE_VALUES.filter((code) => !["too_early", "waiting_for_practitioner", "admitted"].includes(code)))(
    "drops the wish to enter under %s",
    (code) => {
      const state = play([
        { kind: "opened", verdict: admitted },
        { kind: "want" },
        { kind: "verdict", verdict: verdict(code) },
      ]);
      expect(state).toMatchObject({ entry: { kind: "idle" } });
    },
  );

  it("offers to take over when the person is inside elsewhere", () => {
    const state = play([
      { kind: "opened", verdict: admitted },
      { kind: "want" },
      { kind: "refused", code: "already_inside", verdict: null },
    ]);
    expect(state).toMatchObject({ verdict: { inside_elsewhere: true }, entry: { kind: "idle" } });
  });

  it.each(["link_revoked", "not_invited"] as const)("shows whoever is shut out while inside the page of %s", (code) => {
    const inside = play([{ kind: "opened", verdict: admitted }, { kind: "entered" }]);
    expect(nextLobby(inside, { kind: "ended", ending: code })).toMatchObject({ kind: "outside", verdict: { code } });
    const left = nextLobby(inside, { kind: "ended", ending: "left" });
    expect(nextLobby(left, { kind: "verdict", verdict: verdict(code) })).toMatchObject({ kind: "outside" });
  });

  it("comes back after leaving", () => {
    const over = play([{ kind: "opened", verdict: admitted }, { kind: "entered" }, { kind: "ended", ending: "left" }]);
    expect(over).toMatchObject({ kind: "over", ending: "left" });
    expect(nextLobby(over, { kind: "return" })).toMatchObject({ kind: "outside" });
  });
});

describe("this page's connection", () => {
  const after = (...events: ConnectionEvent[]): CallConnection => events.reduce(nextConnection, START);

  it.each<[string, ConnectionEvent[], CallConnection]>([
    ["lives", ["transport_connected"], { kind: "live", link: "up" }],
    ["falters", ["transport_connected", "transport_disturbed"], { kind: "unstable", link: "up" }],
    [
      "recovers by itself",
      ["transport_connected", "transport_disturbed", "transport_connected"],
      { kind: "live", link: "up" },
    ],
    ["is repaired", ["transport_connected", "transport_failed"], { kind: "reconnecting", link: "up" }],
    [
      "is made anew",
      ["transport_connected", "transport_replaced", "transport_connected"],
      { kind: "live", link: "up" },
    ],
    ["goes on without the server", ["transport_connected", "link_lost"], { kind: "live", link: "down" }],
    ["ends", ["transport_connected", "seat_lost", "transport_connected"], { kind: "gone" }],
    ["begins anew", ["seat_lost", "entered"], START],
  ])("%s", (_, events, expected) => {
    expect(after(...events)).toEqual(expected);
  });

  const EVENTS: readonly ConnectionEvent[] = [
    "transport_connected",
    "transport_disturbed",
    "transport_failed",
    "transport_replaced",
    "link_lost",
    "link_back",
  ];

  it("is told as live again after any trouble, once media flows; what is gone stays so", () => {
    let known = [START];
    for (let step = 0; step < 4; step += 1)
      known = known.flatMap((state) => EVENTS.map((one) => nextConnection(state, one)));
    for (const state of known) {
      expect(nextConnection(state, "transport_connected").kind).toBe("live");
      const gone = nextConnection(state, "seat_lost");
      for (const event of EVENTS) expect(nextConnection(gone, event)).toEqual({ kind: "gone" });
    }
  });
});

describe("devices", () => {
  it.each([
    ["NotAllowedError", "Permission denied", "refused"],
    ["NotAllowedError", "Permission denied by system", "refused_by_system"],
    ["NotFoundError", "", "missing"],
    ["NotReadableError", "", "in_use"],
    ["TypeError", "", "unsupported"],
  ])("%s (%s) means %s", (name, message, trouble) => {
    expect(troubleOf(Object.assign(new Error(message), { name }))).toBe(trouble);
  });

  it("tells the others blocked and missing apart", () => {
    expect(toldState({ kind: "trouble", trouble: "refused" })).toBe("blocked");
    expect(toldState({ kind: "trouble", trouble: "missing" })).toBe("missing");
    expect(toldState({ kind: "off", track: null })).toBe("off");
  });

  it("judges a browser by what it can do, not by its name", () => {
    const able = { userAgent: "Instagram", secure: true, capture: true, peerConnection: true };
    expect(browserFitness(able)).toBe("fit");
    expect(browserFitness({ ...able, capture: false })).toBe("in_app");
    expect(browserFitness({ ...able, userAgent: "Firefox", capture: false, secure: false })).toBe("insecure");
    expect(browserFitness({ ...able, userAgent: "Firefox", peerConnection: false })).toBe("unsupported");
  });

  it("measures loudness on a scale of decibels", () => {
    expect(loudness(new Float32Array(64))).toBe(0);
    expect(loudness(new Float32Array(64).fill(0.5))).toBe(1);
  });
});
