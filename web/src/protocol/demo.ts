import type { Role, Timestamp, VerdictCode } from "./generated.ts";

/** `GET /api/v1/demo`: the demonstration clinic, in demo mode only. */
export interface DemoView {
  readonly now: Timestamp;
  readonly shift_minutes: number;
  readonly appointments: readonly DemoAppointment[];
}

export interface DemoAppointment {
  readonly id: string;
  readonly title: string;
  readonly starts_at: Timestamp;
  /** The patient's present verdict. */
  readonly state: VerdictCode;
  readonly links: readonly DemoLink[];
  /** What `POST /api/v1/demo/appointments/<id>/<action>` understands for it, such as `start-now`. */
  readonly actions: readonly string[];
}

export interface DemoLink {
  readonly name: string;
  readonly role: Role;
  readonly state: VerdictCode;
  readonly url: string;
}
