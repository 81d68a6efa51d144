import type {
  AppointmentView,
  ClinicView,
  ParticipantView,
  PersonView,
  VerdictCode,
  VerdictView,
} from "../protocol/generated.ts";

/** The moment at which every picture of the screen is taken. */
export const NOW = "2026-03-17T08:45:00Z";

export const clinic: ClinicView = {
  name: "Клиника «Источник»",
  phone: "+7 (495) 123-45-67",
  time_zone: "Europe/Moscow",
};

export const doctor: PersonView = {
  id: "par_doctor",
  name: "Елена Викторовна Соколова",
  role: "practitioner",
  specialty: "кардиолог",
  relationship: "",
};

export const patient: PersonView = {
  id: "par_patient",
  name: "Анна Петровна Иванова",
  role: "patient",
  specialty: "",
  relationship: "",
};

export const daughter: PersonView = {
  id: "par_daughter",
  name: "Мария Иванова",
  role: "related_person",
  specialty: "",
  relationship: "дочь",
};

export const interpreter: PersonView = {
  id: "par_interpreter",
  name: "Айгуль Сейтова",
  role: "interpreter",
  specialty: "",
  relationship: "",
};

export const colleague: PersonView = {
  id: "par_colleague",
  name: "Константин Александрович Преображенский",
  role: "consultant",
  specialty: "кардиохирург",
  relationship: "",
};

export const appointment: AppointmentView = {
  id: "apt_1",
  clinic,
  starts_at: "2026-03-17T09:00:00Z",
  ends_at: "2026-03-17T09:30:00Z",
  moved: false,
  title: "Консультация кардиолога",
  subject_name: patient.name,
  people: [patient, doctor],
  payment_url: "https://clinic.example/pay/1",
  cabinet_url: "https://clinic.example/cabinet",
  manage_url: "https://clinic.example/cabinet/appointments/1",
  record_url: "https://clinic.example/cabinet/record",
  price: "1 800 ₽",
};

export function verdict(code: VerdictCode, change: Partial<VerdictView> = {}): VerdictView {
  return {
    code,
    server_time: NOW,
    wait_seconds: null,
    opens_at: "2026-03-17T08:50:00Z",
    closes_at: "2026-03-17T09:45:00Z",
    me: patient,
    clinic,
    appointment,
    consent: null,
    paid_after_lapse: false,
    disclaimer: false,
    delay_minutes: null,
    inside_elsewhere: false,
    ...change,
  };
}

export function participant(person: PersonView, change: Partial<ParticipantView> = {}): ParticipantView {
  return {
    person,
    assurance: "link",
    connection: "live",
    media: { microphone: "on", camera: "on" },
    ...change,
  };
}
