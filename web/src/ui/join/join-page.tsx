import { CircleCheck, HeartPulse, WifiOff } from "lucide-preact";
import type { ClinicView, VerdictView } from "../../protocol/generated.ts";
import { troublesOf } from "../devices-view.ts";
import { words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { LanguageSwitch } from "../parts/language-switch.tsx";
import { AppointmentCard } from "./appointment-card.tsx";
import { canEnter, isSettled, type JoinActions, type JoinView, supportCode } from "./join-view.ts";
import { OverPanel } from "./over-panel.tsx";
import { VerdictPanel } from "./verdict-panel.tsx";
import { WaysOn } from "./ways-on.tsx";

export function JoinPage({ view, actions }: { readonly view: JoinView; readonly actions: JoinActions }) {
  const { lobby } = view;
  const verdict = lobby.kind === "outside" || lobby.kind === "over" ? lobby.verdict : null;
  const code = supportCode(view);
  const clinic = verdict?.clinic ?? verdict?.appointment?.clinic ?? null;
  return (
    <div class="join">
      <header class="top">
        <p class="clinic">
          <HeartPulse aria-hidden="true" />
          <span>{clinic?.name ?? words.value.product}</span>
        </p>
        <LanguageSwitch />
      </header>
      <main class="card-page">
        <Body view={view} verdict={verdict} actions={actions} />
        {verdict && <Ways view={view} verdict={verdict} clinic={clinic} actions={actions} />}
      </main>
      <footer class="bottom">
        {verdict?.me && (
          <Button action="forget" look="quiet" onPress={actions.forget}>
            {words.value.actions.forget}
          </Button>
        )}
        {code && (
          <small>
            {words.value.supportCode}: <code>{code}</code>
          </small>
        )}
      </footer>
    </div>
  );
}

function Body({ view, verdict, actions }: { view: JoinView; verdict: VerdictView | null; actions: JoinActions }) {
  const { lobby } = view;
  const said = words.value;
  const card = verdict?.appointment && (
    <AppointmentCard verdict={verdict} appointment={verdict.appointment} zone={view.zone} now={view.now} />
  );
  switch (lobby.kind) {
    case "opening":
      return (
        <div class="opening" role="status">
          <h1>{said.opening}</h1>
        </div>
      );
    case "unreachable":
      return (
        <section class="verdict">
          <div class="headline" role="alert">
            <WifiOff class="verdict-icon" aria-hidden="true" />
            <div>
              <h1 tabIndex={-1}>{said.unreachable.title}</h1>
              <p>{said.unreachable.text}</p>
            </div>
          </div>
          <Button action="reopen" look="primary" onPress={actions.reopen}>
            {said.actions.again}
          </Button>
        </section>
      );
    case "forgotten":
      return (
        <section class="verdict">
          <div class="headline" role="status">
            <CircleCheck class="verdict-icon" aria-hidden="true" />
            <div>
              <h1 tabIndex={-1}>{said.forgotten.title}</h1>
              <p>{said.forgotten.text}</p>
            </div>
          </div>
        </section>
      );
    case "outside":
      return (
        <>
          {card}
          <VerdictPanel view={view} verdict={lobby.verdict} entry={lobby.entry} actions={actions} />
        </>
      );
    case "over":
      return (
        <>
          <OverPanel ending={lobby.ending} verdict={lobby.verdict} onReturn={actions.comeBack} />
          {card}
        </>
      );
  }
}

interface WaysProps {
  readonly view: JoinView;
  readonly verdict: VerdictView;
  readonly clinic: ClinicView | null;
  readonly actions: JoinActions;
}

function Ways({ view, verdict, clinic, actions }: WaysProps) {
  const { enterAudioOnly: audioOnly, enterTextOnly: textOnly } = actions;
  const { lobby } = view;
  const entering = lobby.kind === "outside" && canEnter(verdict);
  const trouble = entering && troublesOf(view.devices).length > 0;
  if (lobby.kind === "over" ? lobby.ending === "removed" : isSettled(verdict)) return null;
  const calls = view.devices.fitness === "fit";
  return (
    <WaysOn
      clinic={clinic}
      link={view.link}
      entering={entering ? { audioOnly: calls ? audioOnly : null, textOnly } : null}
      open={trouble}
    />
  );
}
