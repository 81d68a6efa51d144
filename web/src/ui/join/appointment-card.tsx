import { CalendarClock } from "lucide-preact";
import type { AppointmentView, PersonView, VerdictView } from "../../protocol/generated.ts";
import { sayMoment, zonesDiffer } from "../format.ts";
import { language, words } from "../language.ts";

interface CardProps {
  readonly verdict: VerdictView;
  readonly appointment: AppointmentView;
  readonly zone: string;
  readonly now: number;
}

/** Who, with whom, when: in the person's own time, with the clinic's beside it when the two differ. */
export function AppointmentCard({ verdict, appointment, zone, now }: CardProps) {
  const said = words.value;
  const { starts_at: start, clinic } = appointment;
  const own = sayMoment(start, zone, now, language.value, said);
  const differ = zonesDiffer(start, zone, clinic.time_zone);
  const theirs = sayMoment(start, clinic.time_zone, now, language.value, said);
  const others = appointment.people.filter((person) => person.id !== verdict.me?.id);
  const forOther = verdict.me && verdict.me.role !== "patient" && appointment.subject_name !== verdict.me.name;
  return (
    <section class="appointment">
      {appointment.moved && (
        <p class="notice" data-notice="moved">
          <CalendarClock aria-hidden="true" />
          <span>
            <strong>{said.moved}</strong> {said.movedBanner}
          </span>
        </p>
      )}
      <p class="when">
        <span class="day">{own.day}</span>
        <time dateTime={start}>{own.time}</time>
        {differ && (
          <span class="zones">
            {said.yourTime} · {theirs.time} {said.clinicTime}
            {theirs.day !== own.day ? ` (${theirs.day})` : ""}
          </span>
        )}
      </p>
      <p class="title">{appointment.title}</p>
      <ul class="people">
        {others.map((person) => (
          <Person key={person.id} person={person} />
        ))}
      </ul>
      {forOther && !others.some((person) => person.name === appointment.subject_name) && (
        <p class="hint">{said.forMinor(appointment.subject_name)}</p>
      )}
    </section>
  );
}

function Person({ person }: { readonly person: PersonView }) {
  const part = person.specialty || person.relationship || words.value.roles[person.role];
  return (
    <li>
      <span class="initial" aria-hidden="true">
        {person.name.charAt(0)}
      </span>
      <span>
        <strong>{person.name}</strong>
        <small>{part}</small>
      </span>
    </li>
  );
}
