import { describe, expect, it } from "vitest";
import { SHARE_TROUBLES } from "../src/call/screen-share-state.ts";
import { daughter, doctor, interpreter, participant, patient, verdict } from "../src/shots/people.ts";
import { getsConclusion } from "../src/ui/join/join-view.ts";
import { leaveText, shareTroubleText } from "../src/ui/room/room-words.ts";
import { en } from "../src/ui/words/en.ts";
import { ru } from "../src/ui/words/ru.ts";

describe("why the own screen is not shown", () => {
  const [sharer, me] = [participant(doctor), participant(patient)];

  it.each(["in_use", "taken_over"] as const)("names whoever shows theirs (%s)", (trouble) => {
    expect(shareTroubleText(ru.room.screen, trouble, { sharer, me })).toContain(`экран показывает ${doctor.name}`);
    expect(shareTroubleText(en.room.screen, trouble, { sharer, me })).toContain(`${doctor.name} is sharing a screen`);
  });

  it("never names oneself, nor nobody", () => {
    for (const unknown of [null, me]) {
      const text = shareTroubleText(ru.room.screen, "in_use", { sharer: unknown, me });
      expect(text).toBe(
        "Сейчас свой экран показывает другой участник. Когда показ закончится, нажмите «Экран» ещё раз.",
      );
    }
  });

  it.each(SHARE_TROUBLES)("is told in words: %s", (trouble) => {
    expect(shareTroubleText(en.room.screen, trouble, { sharer, me })).toMatch(/\w+\.$/);
  });
});

describe("the conclusion", () => {
  it.each([
    [patient, true],
    [daughter, false],
    [interpreter, false],
    [doctor, false],
  ])("is promised on leaving to the patient alone (%o)", (person, promised) => {
    expect(leaveText(ru.room, participant(person)).includes("Заключение")).toBe(promised);
    expect(leaveText(en.room, participant(person)).includes("notes")).toBe(promised);
  });

  it("is promised at the end to whoever has an account where it comes", () => {
    const finished = verdict("finished");
    const { appointment } = finished;
    const strangers = appointment && { ...appointment, cabinet_url: "", record_url: "" };
    expect(getsConclusion({ ...finished, appointment: strangers })).toBe(true);
    expect(getsConclusion({ ...finished, me: daughter })).toBe(true);
    expect(getsConclusion({ ...finished, me: interpreter, appointment: strangers })).toBe(false);
  });
});
