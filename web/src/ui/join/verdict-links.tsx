import { CreditCard, ExternalLink } from "lucide-preact";
import type { VerdictCode, VerdictView } from "../../protocol/generated.ts";
import { words } from "../language.ts";
import { LinkButton } from "../parts/button.tsx";
import { CallClinic } from "../parts/call-clinic.tsx";

type LinkName = "pay" | "cabinet" | "rebook" | "manage" | "record" | "call";

/** The ways on under each verdict, the most helpful first; those that the clinic has no address for fall away. */
const LINKS: Record<VerdictCode, readonly LinkName[]> = {
  link_invalid: [],
  link_revoked: ["call"],
  not_invited: ["call"],
  removed: ["call"],
  entered_in_error: ["call", "cabinet"],
  cancelled: ["rebook", "call"],
  finished: ["record", "cabinet", "call"],
  payment_lapsed: ["rebook", "call"],
  payment_refunded: ["rebook", "call"],
  payment_pending: ["call"],
  payment_required: ["pay", "manage", "call"],
  identity_required: ["cabinet", "call"],
  consent_required: [],
  too_early: ["manage"],
  too_late: ["call", "rebook"],
  waiting_for_practitioner: [],
  admitted: [],
};

/** Nobody is urged to move a booking that they are waiting for, or to call while the bank is still answering. */
function isQuiet(name: LinkName, code: VerdictCode): boolean {
  return name === "manage" || code === "payment_pending";
}

/** Links out of the page: into the clinic's payment, cabinet or telephone. */
export function VerdictLinks({ verdict, onPay }: { readonly verdict: VerdictView; readonly onPay: () => void }) {
  const links = LINKS[verdict.code].flatMap((name) => {
    const href = addressOf(name, verdict);
    return href ? [{ name, href }] : [];
  });
  if (links.length === 0) return null;
  return (
    <div class="actions">
      {links.map(({ name, href }, index) => {
        const look = index === 0 && !isQuiet(name, verdict.code) ? "primary" : "secondary";
        if (name === "call") return <CallClinic key={name} phone={href} look={look} />;
        return (
          <LinkButton
            key={name}
            action={name}
            href={href}
            look={look}
            icon={iconOf(name)}
            onPress={name === "pay" ? onPay : undefined}
          >
            {words.value.actions[name]}
          </LinkButton>
        );
      })}
    </div>
  );
}

function addressOf(name: LinkName, { appointment, clinic }: VerdictView): string {
  switch (name) {
    case "pay":
      return appointment?.payment_url ?? "";
    case "cabinet":
    case "rebook":
      return appointment?.cabinet_url ?? "";
    case "manage":
      return appointment?.manage_url ?? "";
    case "record":
      return appointment?.record_url ?? "";
    case "call":
      return clinic?.phone ?? "";
  }
}

function iconOf(name: LinkName) {
  if (name === "pay") return <CreditCard aria-hidden="true" />;
  return <ExternalLink aria-hidden="true" />;
}
