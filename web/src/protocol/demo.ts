import type { Role, Timestamp, VerdictCode } from "./generated.ts";

/** `GET /api/v1/demo`: the demonstration clinic, in demo mode only (`server/demo_routes.py`). */
export interface DemoView {
  readonly now: Timestamp;
  readonly clock_shift_minutes: number;
  /** What `POST /api/v1/demo/appointments/<id>/<action>` understands, such as `start-now`. */
  readonly actions: readonly string[];
  readonly appointments: readonly DemoAppointment[];
  /** A link that was never issued. */
  readonly bad_link: string;
}

export interface DemoAppointment {
  readonly id: string;
  readonly title: string;
  readonly starts_at: Timestamp;
  readonly people: readonly DemoPerson[];
}

export interface DemoPerson {
  readonly role: Role;
  readonly state: VerdictCode;
  readonly url: string;
}
