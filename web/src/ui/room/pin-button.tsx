import { Maximize2, Pin, PinOff } from "lucide-preact";
import { words } from "../language.ts";
import type { Place } from "./stage-layout.ts";

interface PinButtonProps {
  readonly who: string;
  readonly place: Place;
  readonly pinned: boolean;
  readonly onPin: (pinned: boolean) => void;
}

/** Beside the stage the whole tile can be pressed; the large one has a small button in its line of words. */
export function PinButton({ who, place, pinned, onPin }: PinButtonProps) {
  if (place === "whole") return null;
  const said = words.value.room.stage;
  const free = place === "large" && pinned;
  const Icon = place === "beside" ? Maximize2 : pinned ? PinOff : Pin;
  const name = place === "beside" ? said.enlarge(who) : pinned ? said.unpin(who) : said.pin(who);
  return (
    <button
      type="button"
      class={`pin ${place}`}
      data-action={free ? "unpin" : "pin"}
      aria-label={name}
      title={name}
      onClick={() => onPin(!free)}
    >
      <Icon aria-hidden="true" />
    </button>
  );
}
