import type { ComponentChildren } from "preact";

export type ButtonLook = "primary" | "secondary" | "quiet" | "danger";

interface ButtonProps {
  /** Stable name for tests and people who read the page's code. */
  readonly action: string;
  readonly look?: ButtonLook;
  readonly disabled?: boolean;
  /** Where a dialog puts the focus first. */
  readonly focused?: boolean;
  readonly icon?: ComponentChildren;
  readonly onPress: () => void;
  readonly children: ComponentChildren;
}

export function Button({
  action,
  look = "secondary",
  disabled = false,
  focused = false,
  icon,
  onPress,
  children,
}: ButtonProps) {
  return (
    <button
      type="button"
      class={`button ${look}`}
      data-action={action}
      disabled={disabled}
      autofocus={focused}
      onClick={onPress}
    >
      {icon}
      <span>{children}</span>
    </button>
  );
}

interface LinkButtonProps {
  readonly action: string;
  readonly href: string;
  readonly look?: ButtonLook;
  readonly icon?: ComponentChildren;
  readonly newWindow?: boolean;
  /** Called when the link is followed, besides that. */
  readonly onPress?: (() => void) | undefined;
  readonly children: ComponentChildren;
}

export function LinkButton({
  action,
  href,
  look = "secondary",
  icon,
  newWindow = false,
  onPress,
  children,
}: LinkButtonProps) {
  return (
    <a
      class={`button ${look}`}
      data-action={action}
      href={href}
      rel="noreferrer"
      onClick={onPress}
      {...(newWindow ? { target: "_blank" } : {})}
    >
      {icon}
      <span>{children}</span>
    </a>
  );
}
