import { Camera, VideoOff } from "lucide-preact";
import {
  type DeviceActions,
  type DevicesView,
  devicesStarted,
  isAsking,
  trackOf,
  troublesOf,
} from "../devices-view.ts";
import { words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { DevicePicker } from "../parts/device-picker.tsx";
import { LevelMeter } from "../parts/level-meter.tsx";
import { OwnPicture } from "../parts/own-picture.tsx";
import { DeviceTroublePanel } from "./device-trouble.tsx";

interface DeviceCheckProps {
  readonly view: DevicesView;
  readonly actions: DeviceActions;
}

/** Own picture, level and choice of devices; before that, why the browser is about to ask. */
export function DeviceCheck({ view, actions }: DeviceCheckProps) {
  const said = words.value.devices;
  const troubles = troublesOf(view);
  if (!devicesStarted(view) && troubles.length === 0) {
    return (
      <section class="devices before" data-devices="before">
        <Camera aria-hidden="true" />
        <p>{said.before}</p>
      </section>
    );
  }
  const camera = trackOf(view.camera);
  const microphone = trackOf(view.microphone);
  const asking = isAsking(view);
  return (
    <section
      class="devices"
      data-devices={troubles.length > 0 ? "trouble" : asking ? "asking" : "ready"}
      aria-label={said.title}
    >
      {asking && (
        <p class="asking" role="status">
          {said.asking}
        </p>
      )}
      {(camera || microphone) && (
        <div class="mirror">
          {camera ? (
            <OwnPicture track={camera} label={said.own} />
          ) : (
            <p class="no-picture">
              <VideoOff aria-hidden="true" />
              {view.camera.kind === "trouble" ? said.cameraFails : said.cameraOff}
            </p>
          )}
        </div>
      )}
      {microphone && (
        <LevelMeter track={microphone} {...(view.fixedLevel === undefined ? {} : { fixed: view.fixedLevel })} />
      )}
      {view.echoRisk && <p class="hint">{said.echoRisk}</p>}
      {troubles.map((named) => (
        <DeviceTroublePanel key={named.kind} named={named} actions={actions} />
      ))}
    </section>
  );
}

/** Another camera or microphone; stands below «Войти», for few need it. */
export function DeviceChoices({ view, actions }: DeviceCheckProps) {
  const camera = trackOf(view.camera);
  const microphone = trackOf(view.microphone);
  if (!camera && !microphone) return null;
  return (
    <div class="pickers">
      {camera && <Picker kind="camera" view={view} actions={actions} />}
      {microphone && <Picker kind="microphone" view={view} actions={actions} />}
    </div>
  );
}

function Picker({ kind, view, actions }: DeviceCheckProps & { readonly kind: "camera" | "microphone" }) {
  return <DevicePicker kind={kind} choices={view.choices[kind]} chosen={view.chosen[kind]} onChoose={actions.choose} />;
}

/** The button that lets the browser ask; shown where «Войти» will stand. */
export function EnableButton({ onPress }: { readonly onPress: () => void }) {
  return (
    <Button action="enable-devices" look="primary" icon={<Camera aria-hidden="true" />} onPress={onPress}>
      {words.value.devices.enable}
    </Button>
  );
}
