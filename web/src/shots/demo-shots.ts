import type { DemoView } from "../protocol/demo.ts";
import { VERDICT_CODE_VALUES } from "../protocol/generated.ts";
import { NOW } from "./people.ts";

const actions = [
  "pay",
  "pay-pending",
  "lapse",
  "refund",
  "cancel",
  "start-now",
  "move",
  "revoke-link",
  "begin",
  "finish",
];

export const demoShot: DemoView = {
  now: NOW,
  clock_shift_minutes: 0,
  actions,
  bad_link: "/j/never-issued",
  appointments: VERDICT_CODE_VALUES.filter((code) => code !== "link_invalid").map((code) => ({
    id: code,
    title: "Приём терапевта",
    starts_at: "2026-03-17T09:00:00Z",
    people: [
      { role: "patient", state: code, url: `/j/patient-${code}` },
      { role: "practitioner", state: "admitted", url: `/j/practitioner-${code}` },
    ],
  })),
};
