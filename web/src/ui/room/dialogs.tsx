import { QUALITIES } from "../../call/quality.ts";
import { trackOf } from "../devices-view.ts";
import { words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { DevicePicker } from "../parts/device-picker.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { LanguageSwitch } from "../parts/language-switch.tsx";
import { LevelMeter } from "../parts/level-meter.tsx";
import type { RoomActions, RoomDialog, RoomView } from "./room-view.ts";
import { leaveText } from "./room-words.ts";

interface DialogsProps {
  readonly open: RoomDialog | null;
  readonly view: RoomView;
  readonly actions: RoomActions;
  readonly onClose: () => void;
}

export function Dialogs({ open, view, actions, onClose }: DialogsProps) {
  if (open === null) return null;
  if (open === "settings") return <SettingsDialog view={view} actions={actions} onClose={onClose} />;
  const said = words.value.room;
  if (open === "leave") {
    return (
      <Ask
        name="leave"
        title={said.leaveAsk}
        text={leaveText(said, view.me)}
        yes={said.leave}
        onYes={actions.leave}
        onNo={onClose}
      />
    );
  }
  if (open === "finish") {
    const { finishAsk, finishText, finish } = said;
    return <Ask name="finish" title={finishAsk} text={finishText} yes={finish} onYes={actions.finish} onNo={onClose} />;
  }
  const name = view.others.find((person) => person.view.person.id === open.remove)?.view.person.name ?? "";
  const remove = () => {
    actions.remove(open.remove);
    onClose();
  };
  return (
    <Ask
      name="remove"
      title={said.removeAsk(name)}
      text={said.removeText}
      yes={said.remove}
      onYes={remove}
      onNo={onClose}
    />
  );
}

interface AskProps {
  readonly name: string;
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly onYes: () => void;
  readonly onNo: () => void;
}

/** Asks once before something that others notice. */
function Ask({ name, title, text, yes, onYes, onNo }: AskProps) {
  return (
    <Dialog name={name} title={title} onClose={onNo}>
      <p>{text}</p>
      <div class="actions row">
        <Button action={`confirm-${name}`} look="danger" onPress={onYes}>
          {yes}
        </Button>
        <Button action="stay" focused onPress={onNo}>
          {name === "leave" ? words.value.room.stay : words.value.cancel}
        </Button>
      </div>
    </Dialog>
  );
}

function SettingsDialog({ view, actions, onClose }: Omit<DialogsProps, "open">) {
  const said = words.value.settings;
  const { devices } = view;
  const microphone = trackOf(devices.microphone);
  return (
    <Dialog name="settings" title={said.title} onClose={onClose}>
      {(["microphone", "camera"] as const).map((kind) => (
        <DevicePicker
          key={kind}
          kind={kind}
          choices={devices.choices[kind]}
          chosen={devices.chosen[kind]}
          onChoose={actions.choose}
        />
      ))}
      {microphone && (
        <LevelMeter track={microphone} {...(devices.fixedLevel === undefined ? {} : { fixed: devices.fixedLevel })} />
      )}
      {devices.echoRisk && <p class="hint">{words.value.devices.echoRisk}</p>}
      <fieldset class="choices">
        <legend>{said.quality}</legend>
        {QUALITIES.map((quality) => (
          <label key={quality}>
            <input
              type="radio"
              name="quality"
              data-quality={quality}
              checked={view.quality === quality}
              onChange={() => actions.setQuality(quality)}
            />
            <span>
              <strong>{said.qualities[quality].title}</strong>
              <small>{said.qualities[quality].text}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="actions row">
        <LanguageSwitch />
        <Button action="forget" look="quiet" onPress={actions.forget}>
          {words.value.actions.forget}
        </Button>
      </div>
      <footer>
        <Button action="settings-done" look="primary" onPress={onClose}>
          {said.done}
        </Button>
      </footer>
    </Dialog>
  );
}
