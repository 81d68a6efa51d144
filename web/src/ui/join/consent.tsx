import { useState } from "preact/hooks";
import type { ConsentView } from "../../protocol/generated.ts";
import { language, words } from "../language.ts";
import { Button } from "../parts/button.tsx";

interface ConsentProps {
  readonly consent: ConsentView;
  readonly disclaimer: boolean;
  readonly onAccept: (version: string) => void;
}

/** The clinic's consent text, read and accepted once before the first entry. */
export function Consent({ consent, disclaimer, onAccept }: ConsentProps) {
  const [agreed, setAgreed] = useState(false);
  const [reminded, setReminded] = useState(false);
  const said = words.value.consent;
  return (
    <div class="consent">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled text must be reachable by keyboard */}
      <section class="consent-text" tabIndex={0} aria-label={said.readInFull}>
        {(language.value === "ru" ? consent.text_ru : consent.text_en).split("\n").map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
        {disclaimer && <p>{words.value.disclaimer}</p>}
      </section>
      <label class="check">
        <input
          type="checkbox"
          data-action="agree"
          checked={agreed}
          onChange={(event) => setAgreed(event.currentTarget.checked)}
        />
        <span>{said.agree}</span>
      </label>
      {reminded && !agreed && (
        <p class="problem" role="alert">
          {said.mustAgree}
        </p>
      )}
      <Button
        action="accept-consent"
        look="primary"
        onPress={() => (agreed ? onAccept(consent.version) : setReminded(true))}
      >
        {words.value.actions.accept}
      </Button>
    </div>
  );
}
