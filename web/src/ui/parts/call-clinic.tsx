import { Phone } from "lucide-preact";
import { dialled, unbroken } from "../format.ts";
import { words } from "../language.ts";
import { type ButtonLook, LinkButton } from "./button.tsx";

interface CallClinicProps {
  readonly action?: string;
  readonly phone: string;
  readonly look?: ButtonLook;
}

/** Dials the clinic; the number stands beneath for those who have the page on a computer. */
export function CallClinic({ action = "call", phone, look = "secondary" }: CallClinicProps) {
  return (
    <LinkButton action={action} href={dialled(phone)} look={look} icon={<Phone aria-hidden="true" />}>
      {words.value.actions.call}
      <small>{unbroken(phone)}</small>
    </LinkButton>
  );
}
