import { useEffect, useState } from "preact/hooks";
import { measureLevel } from "../../call/sound.ts";
import { words } from "../language.ts";

const BARS = 20;
const HEARD = 0.35;

/** A moving bar while somebody speaks. `fixed` shows one level without a microphone. */
export function LevelMeter({ track, fixed }: { readonly track: MediaStreamTrack | null; readonly fixed?: number }) {
  const [measured, setMeasured] = useState(0);
  const [heard, setHeard] = useState(false);
  useEffect(() => (track && fixed === undefined ? measureLevel(track, setMeasured) : undefined), [track, fixed]);
  const level = fixed ?? measured;
  useEffect(() => {
    if (level > HEARD) setHeard(true);
  }, [level]);
  const said = heard ? words.value.devices.heard : words.value.devices.speak;
  return (
    <div class="level">
      <div
        class="level-bars"
        role="meter"
        aria-label={words.value.devices.level}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(level * 100)}
      >
        {Array.from({ length: BARS }, (_, bar) => (
          <i key={bar} class={level * BARS > bar ? "lit" : ""} />
        ))}
      </div>
      <p class="hint" aria-live="polite">
        {said}
      </p>
    </div>
  );
}
