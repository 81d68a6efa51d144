import { ExternalLink, HeartPulse } from "lucide-preact";
import type { DemoAppointment, DemoPerson, DemoView } from "../../protocol/demo.ts";
import { ownZone, sayMoment } from "../format.ts";
import { language, words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { LanguageSwitch } from "../parts/language-switch.tsx";
import "../styles/demo.css";

export interface DemoActions {
  readonly act: (appointment: string, action: string) => void;
  readonly shift: (minutes: number) => void;
}

interface DemoProps {
  readonly view: DemoView;
  readonly failed: boolean;
  readonly actions: DemoActions;
}

const SHIFTS = [-10, 10, 60];

/** The small clinic: appointments in every state, links for each person, buttons that play the booking system. */
export function DemoPage({ view, failed, actions }: DemoProps) {
  const said = words.value.demo;
  return (
    <div class="demo">
      <header class="top">
        <p class="clinic">
          <HeartPulse aria-hidden="true" />
          <span>Konsilium</span>
        </p>
        <LanguageSwitch />
      </header>
      <main>
        <h1>{said.title}</h1>
        <p>{said.text}</p>
        <section class="clock" aria-label={said.clock}>
          <span>
            {said.clock}: <strong>{moment(view.now, view)}</strong>
          </span>
          {SHIFTS.map((minutes) => (
            <Button key={minutes} action={`clock${minutes}`} onPress={() => actions.shift(minutes)}>
              {minutes < 0 ? said.back(-minutes) : said.forward(minutes)}
            </Button>
          ))}
        </section>
        {failed && (
          <p class="problem" role="alert">
            {said.failed}
          </p>
        )}
        {view.appointments.length === 0 && <p>{said.empty}</p>}
        <ul class="appointments">
          {view.appointments.map((appointment) => (
            <Appointment key={appointment.id} appointment={appointment} view={view} actions={actions} />
          ))}
        </ul>
        <p>
          <a class="button secondary" href={view.bad_link} target="_blank" rel="noreferrer">
            <ExternalLink aria-hidden="true" />
            <span>{said.badLink}</span>
          </a>
        </p>
      </main>
    </div>
  );
}

interface AppointmentProps {
  readonly appointment: DemoAppointment;
  readonly view: DemoView;
  readonly actions: DemoActions;
}

function Appointment({ appointment, view, actions }: AppointmentProps) {
  const said = words.value;
  const state =
    (appointment.people.find((one) => one.role === "patient") ?? appointment.people[0])?.state ?? "link_invalid";
  return (
    <li data-appointment={appointment.id} data-verdict={state}>
      <header>
        <div>
          <h2>{appointment.title}</h2>
          <p>{moment(appointment.starts_at, view)}</p>
        </div>
        <span class="badge">{said.statusOfVerdict[state]}</span>
      </header>
      <ul class="links">
        {appointment.people.map((link) => (
          <Link key={link.url} link={link} />
        ))}
      </ul>
      <details>
        <summary>{said.demo.booking}</summary>
        <div class="actions row">
          {view.actions.map((action) => (
            <Button key={action} action={action} onPress={() => actions.act(appointment.id, action)}>
              {said.actionsOfBooking[action.replaceAll("-", "_")] ?? action}
            </Button>
          ))}
        </div>
      </details>
    </li>
  );
}

function Link({ link }: { readonly link: DemoPerson }) {
  const said = words.value;
  return (
    <li>
      <a class="button secondary" href={link.url} target="_blank" rel="noreferrer" data-role={link.role}>
        <ExternalLink aria-hidden="true" />
        <span>
          {capital(said.roles[link.role])}
          <small>{said.statusOfVerdict[link.state]}</small>
        </span>
      </a>
    </li>
  );
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function moment(at: string, view: DemoView): string {
  const { day, time } = sayMoment(at, ownZone(), Date.parse(view.now), language.value, words.value);
  return `${day}, ${time}`;
}
