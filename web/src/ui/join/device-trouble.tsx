import type { DeviceActions, NamedTrouble } from "../devices-view.ts";
import { lowerFirst } from "../format.ts";
import { words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { TroublePicture } from "./trouble-picture.tsx";

/** No browser can be talked into trying again when it lacks the ability itself. */
const HOPELESS = new Set(["unsupported", "in_app", "insecure"]);

export function DeviceTroublePanel({
  named,
  actions,
}: {
  readonly named: NamedTrouble;
  readonly actions: DeviceActions;
}) {
  const { troubles, troubleWith, actions: labels } = words.value;
  const { title, steps } = troubles[named.trouble];
  const subject = named.kind === "both" ? "" : `${troubleWith[named.kind]}: `;
  const retry = () => (named.kind === "both" ? actions.enable() : actions.retry(named.kind));
  return (
    <section class="trouble" data-trouble={named.trouble} data-trouble-with={named.kind} aria-live="polite">
      <TroublePicture trouble={named.trouble} />
      <div>
        <h2>{subject ? subject + lowerFirst(title) : title}</h2>
        <ol>
          {steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        {!HOPELESS.has(named.trouble) && (
          // Where nothing works, «Войти» is not there: trying again is the main thing to do.
          <Button action="retry-devices" look={named.kind === "both" ? "primary" : "secondary"} onPress={retry}>
            {labels.again}
          </Button>
        )}
      </div>
    </section>
  );
}
