import { useId } from "preact/hooks";
import type { DeviceKind } from "../../call/device-state.ts";
import { words } from "../language.ts";

export interface DeviceChoice {
  readonly id: string;
  readonly label: string;
}

interface PickerProps {
  readonly kind: DeviceKind;
  readonly choices: readonly DeviceChoice[];
  readonly chosen: string;
  readonly onChoose: (kind: DeviceKind, id: string) => void;
}

export function DevicePicker({ kind, choices, chosen, onChoose }: PickerProps) {
  const id = useId();
  if (choices.length === 0) return null;
  // A device that is switched off does not say which one it is: the browser's first is the one it will take.
  const shown = choices.some((choice) => choice.id === chosen) ? chosen : choices[0]?.id;
  return (
    <div class="field">
      <label for={id}>{words.value.devices[kind]}</label>
      <select id={id} data-device={kind} value={shown} onChange={(event) => onChoose(kind, event.currentTarget.value)}>
        {choices.map((choice, index) => (
          <option key={choice.id} value={choice.id}>
            {choice.label || words.value.devices.anyDevice(index + 1)}
          </option>
        ))}
      </select>
    </div>
  );
}
