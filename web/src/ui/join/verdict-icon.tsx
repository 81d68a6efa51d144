import {
  Ban,
  CalendarX,
  CircleCheck,
  Clock,
  CreditCard,
  DoorOpen,
  FileCheck,
  Hourglass,
  Link2Off,
  type LucideIcon,
  Undo2,
  UserCheck,
  UserX,
} from "lucide-preact";
import type { VerdictCode } from "../../protocol/generated.ts";

const ICONS: Record<VerdictCode, LucideIcon> = {
  link_invalid: Link2Off,
  link_revoked: Link2Off,
  not_invited: UserX,
  removed: Ban,
  entered_in_error: CalendarX,
  cancelled: CalendarX,
  finished: CircleCheck,
  payment_lapsed: CreditCard,
  payment_refunded: Undo2,
  payment_pending: Hourglass,
  payment_required: CreditCard,
  identity_required: UserCheck,
  consent_required: FileCheck,
  too_early: Clock,
  too_late: Clock,
  waiting_for_practitioner: Hourglass,
  admitted: DoorOpen,
};

export function VerdictIcon({ code }: { readonly code: VerdictCode }) {
  const Icon = ICONS[code];
  return <Icon class="verdict-icon" aria-hidden="true" />;
}
