import { CircleCheck, RotateCcw } from "lucide-preact";
import type { Ending } from "../../call/lobby-state.ts";
import type { VerdictView } from "../../protocol/generated.ts";
import { words } from "../language.ts";
import { Button, LinkButton } from "../parts/button.tsx";
import { canReturn } from "./join-view.ts";

interface OverProps {
  readonly ending: Ending;
  readonly verdict: VerdictView;
  readonly onReturn: () => void;
}

/** After the room: what happened, what comes next, and the way back while there is one. */
export function OverPanel({ ending, verdict, onReturn }: OverProps) {
  const said = words.value;
  const { title, text } = said.over[ending];
  const returns = ending !== "finished" && ending !== "removed" && canReturn(verdict);
  const record = verdict.appointment?.record_url || verdict.appointment?.cabinet_url;
  return (
    <section class="verdict" data-ending={ending}>
      <div class="headline" role="status">
        <CircleCheck class="verdict-icon" aria-hidden="true" />
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          <p>{text}</p>
        </div>
      </div>
      <div class="actions">
        {returns && (
          <Button action="return" look="primary" icon={<RotateCcw aria-hidden="true" />} onPress={onReturn}>
            {ending === "taken_over" ? said.actions.returnHere : said.actions.return}
          </Button>
        )}
        {record && (
          <LinkButton action="record" href={record}>
            {said.actions.cabinet}
          </LinkButton>
        )}
      </div>
    </section>
  );
}
