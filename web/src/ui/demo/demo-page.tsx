import { ExternalLink, HeartPulse } from "lucide-preact";
import type { DemoAppointment, DemoLink, DemoView } from "../../protocol/demo.ts";
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
  return (
    <li data-appointment={appointment.id} data-verdict={appointment.state}>
      <header>
        <div>
          <h2>{appointment.title}</h2>
          <p>{moment(appointment.starts_at, view)}</p>
        </div>
        <span class="badge">{said.statusOfVerdict[appointment.state]}</span>
      </header>
      <ul class="links">
        {appointment.links.map((link) => (
          <Link key={link.url} link={link} />
        ))}
      </ul>
      <details>
        <summary>{said.demo.booking}</summary>
        <div class="actions row">
          {appointment.actions.map((action) => (
            <Button key={action} action={action} onPress={() => actions.act(appointment.id, action)}>
              {said.actionsOfBooking[action.replaceAll("-", "_")] ?? action}
            </Button>
          ))}
        </div>
      </details>
    </li>
  );
}

function Link({ link }: { readonly link: DemoLink }) {
  const said = words.value;
  return (
    <li>
      <a class="button secondary" href={link.url} target="_blank" rel="noreferrer" data-role={link.role}>
        <ExternalLink aria-hidden="true" />
        <span>
          {link.name}
          <small>
            {said.roles[link.role]} · {said.demo.newWindow}
          </small>
        </span>
      </a>
    </li>
  );
}

function moment(at: string, view: DemoView): string {
  const { day, time } = sayMoment(at, ownZone(), Date.parse(view.now), language.value, words.value);
  return `${day}, ${time}`;
}
