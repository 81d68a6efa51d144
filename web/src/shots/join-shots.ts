import type { Entry, Lobby } from "../call/lobby-state.ts";
import { VERDICT_CODE_VALUES, type VerdictCode, type VerdictView } from "../protocol/generated.ts";
import type { DevicesView, ShownTrouble } from "../ui/devices-view.ts";
import type { JoinView } from "../ui/join/join-view.ts";
import { drawnCamera, silentMicrophone } from "./drawn-tracks.ts";
import { appointment, clinic, doctor, NOW, patient, verdict } from "./people.ts";
import type { JoinState } from "./states.ts";

export const unasked: DevicesView = {
  microphone: { kind: "idle" },
  camera: { kind: "idle" },
  choices: { microphone: [], camera: [] },
  chosen: { microphone: "", camera: "" },
  echoRisk: false,
  fitness: "fit",
  inApp: false,
};

export function working(who: "patient" | "doctor" = "patient"): DevicesView {
  return {
    ...unasked,
    microphone: silentMicrophone(),
    camera: drawnCamera(who),
    choices: {
      microphone: [{ id: "m", label: "Микрофон (встроенный)" }],
      camera: [{ id: "c", label: "FaceTime HD" }],
    },
    chosen: { microphone: "m", camera: "c" },
    fixedLevel: 0.55,
  };
}

type Make = () => JoinView;

function page(lobby: JoinView["lobby"], devices: DevicesView = unasked, zone = "Europe/Moscow"): JoinView {
  return { lobby, devices, now: Date.parse(NOW), zone, link: "https://visit.clinic.example/j/Qm3kX0pS7vT1aZ9cLb2dEw" };
}

function outside(shown: VerdictView, devices: DevicesView = unasked, entry: Entry = { kind: "idle" }): JoinView {
  return page({ kind: "outside", verdict: shown, entry }, devices);
}

function over(ending: Extract<Lobby, { kind: "over" }>["ending"], code: VerdictCode, me = patient): JoinView {
  return page({ kind: "over", ending, verdict: verdict(code, { me }) });
}

function trouble(shown: ShownTrouble): JoinView {
  const admitted = verdict("admitted");
  if (shown === "unsupported" || shown === "insecure") return outside(admitted, { ...unasked, fitness: shown });
  if (shown === "in_app") return outside(admitted, { ...unasked, fitness: "in_app" });
  const status = { kind: "trouble", trouble: shown } as const;
  return outside(admitted, { ...unasked, microphone: status, camera: status });
}

const consent = {
  version: "2026-01",
  accepted: false,
  text_ru:
    "Я согласен (согласна) на консультацию с применением телемедицинских технологий.\nМне объяснили, что врач может попросить меня прийти на очный приём.\nМои данные увидят только те, кто меня лечит.",
  text_en:
    "I agree to a consultation by video.\nIt was explained to me that the doctor may ask me to come in person.\nOnly those who treat me will see my data.",
};

const SHUT_OUT: ReadonlySet<VerdictCode> = new Set(["link_invalid", "link_revoked", "not_invited", "removed"]);

function plainVerdict(code: VerdictCode): JoinView {
  if (code === "link_invalid") return outside(verdict(code, { me: null, clinic: null, appointment: null }));
  if (SHUT_OUT.has(code)) return outside(verdict(code, { appointment: null }));
  if (code === "consent_required") return outside(verdict(code, { consent, disclaimer: true }));
  return outside(verdict(code));
}

const verdicts = Object.fromEntries(
  VERDICT_CODE_VALUES.map((code): [VerdictCode, Make] => [code, () => plainVerdict(code)]),
) as Record<VerdictCode, Make>;

/** One picture for each declared state; the compiler refuses a state without one. */
export const joinShots: Record<JoinState, Make> = {
  ...verdicts,
  opening: () => page({ kind: "opening" }),
  unreachable: () => page({ kind: "unreachable" }),
  forgotten: () => page({ kind: "forgotten" }),
  ready: () => outside(verdict("admitted", { disclaimer: true }), working()),
  "ready-practitioner": () => outside(verdict("admitted", { me: doctor }), working("doctor")),
  "ready-other-zone": () =>
    page({ kind: "outside", verdict: verdict("admitted"), entry: { kind: "idle" } }, working(), "Asia/Yekaterinburg"),
  "too-early-ready": () => outside(verdict("too_early"), working(), { kind: "wanted" }),
  "too-early-days": () =>
    outside(
      verdict("too_early", {
        opens_at: "2026-03-20T08:50:00Z",
        appointment: { ...appointment, starts_at: "2026-03-20T09:00:00Z" },
      }),
    ),
  "waiting-now": () => outside(verdict("waiting_for_practitioner"), working(), { kind: "wanted" }),
  "waiting-delay": () =>
    outside(verdict("waiting_for_practitioner", { delay_minutes: 15 }), working(), { kind: "wanted" }),
  moved: () =>
    outside(
      verdict("too_early", {
        opens_at: "2026-03-18T10:20:00Z",
        appointment: { ...appointment, moved: true, starts_at: "2026-03-18T10:30:00Z" },
      }),
    ),
  "take-over": () => outside(verdict("admitted", { inside_elsewhere: true }), working()),
  asking: () => outside(verdict("admitted"), { ...unasked, microphone: { kind: "asking" } }),
  entering: () => outside(verdict("admitted"), working(), { kind: "entering" }),
  "refused-entry": () => outside(verdict("admitted"), working(), { kind: "refused", code: "media_unavailable" }),
  "paid-after-lapse": () => outside(verdict("payment_lapsed", { paid_after_lapse: true })),
  "other-device": () => outside(verdict("admitted"), { ...unasked, fitness: "in_app" }),
  "over-left": () => over("left", "admitted"),
  "over-finished": () => over("finished", "finished"),
  "over-taken_over": () => over("taken_over", "admitted"),
  "over-removed": () =>
    page({ kind: "over", ending: "removed", verdict: verdict("removed", { appointment: null, clinic }) }),
  "over-lost": () => over("lost", "admitted"),
  "over-left-practitioner": () => over("left", "admitted", doctor),
  "over-finished-practitioner": () => over("finished", "finished", doctor),
  "trouble-refused": () => trouble("refused"),
  "trouble-refused_by_system": () => trouble("refused_by_system"),
  "trouble-missing": () => trouble("missing"),
  "trouble-in_use": () => trouble("in_use"),
  "trouble-unsupported": () => trouble("unsupported"),
  "trouble-in_app": () => trouble("in_app"),
  "trouble-insecure": () => trouble("insecure"),
  "trouble-camera-only": () =>
    outside(verdict("admitted"), { ...working(), camera: { kind: "trouble", trouble: "in_use" } }),
};
