import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Comings, RETURN_MILLISECONDS, SETTLE_MILLISECONDS, TOLD_MILLISECONDS } from "../src/call/comings.ts";
import type { PersonView } from "../src/protocol/generated.ts";
import { daughter, doctor, interpreter, participant, patient } from "../src/shots/people.ts";
import { snapshot } from "./fakes/people.ts";

describe("who comes and goes", () => {
  let comings: Comings;

  beforeEach(() => {
    vi.useFakeTimers();
    comings = new Comings();
    comings.seated();
    here(patient, doctor);
  });
  afterEach(() => {
    comings.stop();
    vi.useRealTimers();
  });

  function here(...people: PersonView[]): void {
    const participants = [patient, doctor, daughter, interpreter].map((person) =>
      participant(person, { connection: people.includes(person) ? "live" : "absent" }),
    );
    comings.follow({ ...snapshot, participants }, patient.id);
  }
  const settle = () => vi.advanceTimersByTime(SETTLE_MILLISECONDS);

  it("is not told of those who are there at first, nor of oneself", () => {
    here(doctor);
    settle();
    expect(comings.news.value).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is told for a few seconds", () => {
    here(patient, doctor, daughter);
    settle();
    expect(comings.news.value).toEqual({ kind: "came", name: daughter.name });
    vi.advanceTimersByTime(TOLD_MILLISECONDS);
    expect(comings.news.value).toBeNull();
    here(patient, doctor);
    settle();
    expect(comings.news.value).toEqual({ kind: "gone", name: daughter.name });
  });

  it("says nothing of a lost connection: the seat is kept", () => {
    const [me, other] = [participant(patient), participant(doctor, { connection: "gone" })];
    comings.follow({ ...snapshot, participants: [me, other] }, patient.id);
    settle();
    expect(comings.news.value).toBeNull();
  });

  it("says nothing of somebody who is back at once", () => {
    here(patient);
    here(patient, doctor);
    settle();
    expect(comings.news.value).toBeNull();
  });

  it("tells the newest of several, once, however much they flap", () => {
    const told = vi.fn();
    comings.news.subscribe(told);
    here(patient, doctor, interpreter);
    here(patient, doctor);
    here(patient, doctor, interpreter);
    here(patient, doctor, interpreter, daughter);
    here(patient, interpreter, daughter);
    here(patient, doctor, interpreter, daughter);
    settle();
    expect(told.mock.calls).toEqual([[null], [{ kind: "came", name: daughter.name }]]);
  });

  it("shows newer news for their whole time", () => {
    here(patient, doctor, daughter);
    settle();
    vi.advanceTimersByTime(TOLD_MILLISECONDS - SETTLE_MILLISECONDS - 1);
    here(patient, doctor);
    settle();
    vi.advanceTimersByTime(TOLD_MILLISECONDS - 1);
    expect(comings.news.value).toMatchObject({ kind: "gone" });
  });

  it("waits for the others when everybody takes a seat again", () => {
    here(patient, doctor, daughter);
    settle();
    vi.advanceTimersByTime(TOLD_MILLISECONDS);
    comings.seated();
    here(patient);
    vi.advanceTimersByTime(RETURN_MILLISECONDS - 1);
    here(patient, doctor);
    vi.advanceTimersByTime(1);
    expect(comings.news.value).toEqual({ kind: "gone", name: daughter.name });
  });

  it("is told twice a minute of whoever comes and goes all the time, and of the others as ever", () => {
    const told: (string | undefined)[] = [];
    comings.news.subscribe((news) => told.push(news ? `${news.kind} ${news.name}` : undefined));
    for (let time = 0; time < 9; time += 1) {
      here(patient, doctor, ...(time % 2 ? [] : [interpreter]));
      vi.advanceTimersByTime(3000);
    }
    here(patient, interpreter);
    vi.advanceTimersByTime(TOLD_MILLISECONDS);
    expect(told.filter(Boolean)).toEqual([
      `came ${interpreter.name}`,
      `gone ${interpreter.name}`,
      `gone ${doctor.name}`,
    ]);
  });
});
