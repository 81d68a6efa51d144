import {
  Ban,
  CircleCheck,
  ExternalLink,
  LogOut,
  type LucideIcon,
  RotateCcw,
  TabletSmartphone,
  WifiOff,
} from "lucide-preact";
import type { Ending } from "../../call/lobby-state.ts";
import type { VerdictView } from "../../protocol/generated.ts";
import { words } from "../language.ts";
import { Button, LinkButton } from "../parts/button.tsx";
import { CallClinic } from "../parts/call-clinic.tsx";
import { canReturn, getsConclusion, isStaff } from "./join-view.ts";

interface OverProps {
  readonly ending: Ending;
  readonly verdict: VerdictView;
  readonly onReturn: () => void;
}

const ICONS: Record<Ending, LucideIcon> = {
  left: LogOut,
  finished: CircleCheck,
  taken_over: TabletSmartphone,
  removed: Ban,
  lost: WifiOff,
};

/** After the room: what happened, what comes next, and the way back while there is one. */
export function OverPanel({ ending, verdict, onReturn }: OverProps) {
  const said = words.value;
  const staff = isStaff(verdict);
  const forStaff: Partial<Record<Ending, { title: string; text: string }>> = staff ? said.staffOver : {};
  const asGuest = ending === "finished" && !getsConclusion(verdict) ? said.guestOver : undefined;
  const { title, text } = forStaff[ending] ?? asGuest ?? said.over[ending];
  const Icon = ICONS[ending];
  const returns = ending !== "finished" && ending !== "removed" && canReturn(verdict);
  // The links lead into the patient's own cabinet.
  const record = staff ? "" : verdict.appointment?.record_url || verdict.appointment?.cabinet_url;
  // The words of this ending say to call.
  const clinicPhone = ending === "removed" ? verdict.clinic?.phone : "";
  return (
    <section class="verdict" data-ending={ending}>
      <div class="headline" role="status">
        <Icon class="verdict-icon" aria-hidden="true" />
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          <p>{text}</p>
        </div>
      </div>
      <div class="actions">
        {clinicPhone && <CallClinic phone={clinicPhone} look="primary" />}
        {returns && (
          <Button action="return" look="primary" icon={<RotateCcw aria-hidden="true" />} onPress={onReturn}>
            {ending === "taken_over" ? said.actions.returnHere : said.actions.return}
          </Button>
        )}
        {record && (
          <LinkButton
            action="record"
            href={record}
            look={returns || clinicPhone ? "secondary" : "primary"}
            icon={<ExternalLink aria-hidden="true" />}
          >
            {said.actions.cabinet}
          </LinkButton>
        )}
      </div>
    </section>
  );
}
