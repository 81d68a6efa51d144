import { Clock3, LogIn, TriangleAlert } from "lucide-preact";
import { useEffect, useRef } from "preact/hooks";
import type { Entry } from "../../call/lobby-state.ts";
import type { VerdictView } from "../../protocol/generated.ts";
import { devicesStarted, isAsking, troublesOf } from "../devices-view.ts";
import { sayCountdown, sayMoment } from "../format.ts";
import { language, words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import type { Words } from "../words/ru.ts";
import { Consent } from "./consent.tsx";
import { DeviceCheck, DeviceChoices, EnableButton } from "./device-check.tsx";
import {
  canEnter,
  canPrepare,
  getsConclusion,
  isStaff,
  type JoinActions,
  type JoinView,
  toldDelay,
} from "./join-view.ts";
import { VerdictIcon } from "./verdict-icon.tsx";
import { VerdictLinks } from "./verdict-links.tsx";

interface PanelProps {
  readonly view: JoinView;
  readonly verdict: VerdictView;
  readonly entry: Entry;
  readonly actions: JoinActions;
}

/** What the verdict says, and the one main thing to do about it. */
export function VerdictPanel({ view, verdict, entry, actions }: PanelProps) {
  const said = words.value;
  const { title, text } = headline(said, verdict, entry, view);
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Somebody who has scrolled down to the button must not miss that something else is said above.
    if ((top.current?.getBoundingClientRect().top ?? 0) < 0) top.current?.scrollIntoView();
  }, [title]);
  return (
    <section class="verdict" data-verdict={verdict.code}>
      <div class="headline" role={entry.kind === "refused" ? "alert" : "status"} ref={top}>
        {entry.kind === "refused" ? (
          <TriangleAlert class="verdict-icon" aria-hidden="true" />
        ) : (
          <VerdictIcon code={verdict.code} />
        )}
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          <p>{text}</p>
        </div>
      </div>
      {verdict.code === "too_early" && <OpensIn verdict={verdict} view={view} />}
      <Delay verdict={verdict} />
      {verdict.paid_after_lapse && <p class="notice">{said.paidAfterLapse}</p>}
      {verdict.code === "payment_required" && verdict.appointment?.price && (
        <p class="price">
          {said.price}: <strong>{verdict.appointment.price}</strong>
        </p>
      )}
      {verdict.code === "consent_required" && verdict.consent && (
        <Consent consent={verdict.consent} disclaimer={verdict.disclaimer} onAccept={actions.acceptConsent} />
      )}
      {verdict.inside_elsewhere && canEnter(verdict) && <p class="notice">{said.insideElsewhere}</p>}
      {canPrepare(verdict) && <DeviceCheck view={view.devices} actions={actions} />}
      <MainAction view={view} verdict={verdict} entry={entry} actions={actions} />
      {canPrepare(verdict) && <DeviceChoices view={view.devices} actions={actions} />}
      <VerdictLinks verdict={verdict} onPay={actions.pay} />
      {verdict.disclaimer && canPrepare(verdict) && <p class="hint">{said.disclaimer}</p>}
    </section>
  );
}

function headline(
  said: Words,
  verdict: VerdictView,
  entry: Entry,
  { devices, now }: JoinView,
): { title: string; text: string } {
  if (entry.kind === "refused") return { title: said.refused.title, text: refusalText(said.refused, entry.code) };
  const waits = entry.kind === "wanted" || entry.kind === "entering";
  if (verdict.code === "waiting_for_practitioner" && waits) return said.waitingNow;
  const plain = said.verdicts[verdict.code];
  const [trouble, another] = canEnter(verdict) ? troublesOf(devices) : [];
  if (trouble) return said.deviceTrouble[another ? "both" : trouble.kind];
  if (verdict.code === "too_early" && waits && devicesStarted(devices)) {
    return { title: plain.title, text: said.tooEarlyReady };
  }
  if (verdict.code === "too_early" && sayCountdown(Date.parse(verdict.opens_at ?? "") - now).days > 0) {
    return { title: plain.title, text: said.tooEarlyByDays };
  }
  const staff: Partial<Record<string, { title: string; text: string }>> = said.staffVerdicts;
  const asGuest = verdict.code === "finished" && !getsConclusion(verdict) ? said.guestFinished : undefined;
  const worded = (isStaff(verdict) ? staff[verdict.code] : asGuest) ?? plain;
  if (canEnter(verdict) && isAsking(devices)) return { title: worded.title, text: said.allowFirst };
  const notYet: Partial<Record<string, string>> = devicesStarted(devices) ? {} : said.notReadyYet;
  return { title: worded.title, text: notYet[verdict.code] ?? worded.text };
}

function Delay({ verdict }: { readonly verdict: VerdictView }) {
  const minutes = toldDelay(verdict);
  if (minutes === null) return null;
  return (
    <p class="notice" data-notice="delay">
      <Clock3 aria-hidden="true" />
      {words.value.delay(minutes)}
    </p>
  );
}

function OpensIn({ verdict, view }: { readonly verdict: VerdictView; readonly view: JoinView }) {
  const said = words.value;
  if (!verdict.opens_at) return null;
  const { days, clock } = sayCountdown(Date.parse(verdict.opens_at) - view.now);
  const moment = sayMoment(verdict.opens_at, view.zone, view.now, language.value, said);
  return (
    <p class="countdown">
      {said.opensIn}
      <strong role="timer" data-countdown="">
        {days > 0 ? said.days(days) : clock}
      </strong>
      <span class="hint">{days > 0 ? said.opensOn(moment.day, moment.time) : said.opensAt(moment.time)}</span>
    </p>
  );
}

function MainAction({ view, verdict, entry, actions }: PanelProps) {
  const said = words.value.actions;
  if (!canPrepare(verdict)) return null;
  const started = devicesStarted(view.devices);
  if (!started && view.devices.fitness === "fit") {
    return (
      <div class="main-action">
        <EnableButton onPress={actions.enable} />
      </div>
    );
  }
  if (!canEnter(verdict)) return null;
  if (verdict.code === "waiting_for_practitioner" && entry.kind === "wanted") return null;
  const asking = isAsking(view.devices);
  const nothingWorks = troublesOf(view.devices).some((named) => named.kind === "both");
  if (nothingWorks) return null;
  const entering = entry.kind === "entering" || entry.kind === "wanted";
  return (
    <div class="main-action">
      <Button
        action={verdict.inside_elsewhere ? "take-over" : "enter"}
        look="primary"
        disabled={entering || asking}
        icon={<LogIn aria-hidden="true" />}
        onPress={verdict.inside_elsewhere ? actions.takeOver : actions.enter}
      >
        {entering ? said.entering : verdict.inside_elsewhere ? said.takeOver : said.enter}
      </Button>
    </div>
  );
}

function refusalText(said: Words["refused"], code: string): string {
  switch (code) {
    case "disconnected":
    case "timeout":
      return said.disconnected;
    case "room_full":
      return said.room_full;
    case "media_unavailable":
      return said.media_unavailable;
    case "draining":
      return said.draining;
    case "session_required":
    case "session_expired":
      return said.session;
    default:
      return said.other;
  }
}
