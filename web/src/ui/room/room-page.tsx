import { Info, MicOff, RefreshCw, VideoOff, Volume2 } from "lucide-preact";
import { useState } from "preact/hooks";
import type { CallConnection } from "../../call/connection-state.ts";
import type { DeviceStatus } from "../../call/device-state.ts";
import { trackOf } from "../devices-view.ts";
import { lowerFirst } from "../format.ts";
import { words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { OwnPicture } from "../parts/own-picture.tsx";
import type { Words } from "../words/ru.ts";
import { Controls, Tools } from "./controls.tsx";
import { Dialogs } from "./dialogs.tsx";
import { OwnLink } from "./own-link.tsx";
import { Participants } from "./participants.tsx";
import { present, type RoomActions, type RoomDialog, type RoomView } from "./room-view.ts";
import { Tile } from "./tile.tsx";
import "../styles/panel.css";
import "../styles/room.css";

/** S0's layout: the other person large, own picture at the right, devices top right, tools top left. */
export function RoomPage({ view, actions }: { readonly view: RoomView; readonly actions: RoomActions }) {
  const [panel, setPanel] = useState(view.panel ?? false);
  const [dialog, setDialog] = useState<RoomDialog | null>(view.dialog ?? null);
  return (
    <div class={`room ${panel ? "with-panel" : ""}`} data-connection={view.connection.kind}>
      <Tools view={view} open={panel} onToggle={() => setPanel(!panel)} />
      <Controls view={view} actions={actions} onDialog={setDialog} />
      {panel && <Participants view={view} actions={actions} onClose={() => setPanel(false)} onDialog={setDialog} />}
      <Stage view={view} actions={actions} />
      <Own view={view} />
      <p class="unseen" role="status" data-announce="devices">
        {announced(view)}
      </p>
      <Dialogs open={dialog} view={view} actions={actions} onClose={() => setDialog(null)} />
    </div>
  );
}

function Stage({ view, actions }: { readonly view: RoomView; readonly actions: RoomActions }) {
  const [soundRefused, setSoundRefused] = useState(view.soundRefused ?? false);
  const [soundAttempt, setSoundAttempt] = useState(0);
  const here = present(view);
  const playSound = () => {
    setSoundRefused(false);
    setSoundAttempt(soundAttempt + 1);
  };
  return (
    <main class="stage" data-people={here.length + 1}>
      <h1 class="unseen" tabIndex={-1}>
        {view.title}
      </h1>
      <div class="lines">
        <ConnectionLine connection={view.connection} />
        <OwnLink view={view} />
        {view.notice && (
          <Line name={view.notice} icon={<Info aria-hidden="true" />} text={words.value.room.notices[view.notice]} />
        )}
        {view.failed && <Line name="failed" icon={<Info aria-hidden="true" />} text={words.value.room.failed} />}
        {view.withMedia && view.devices.microphone.kind === "trouble" && (
          <Line
            name="microphone-trouble"
            icon={<MicOff aria-hidden="true" />}
            text={words.value.room.microphoneTrouble}
          />
        )}
        {view.speakingMuted && (
          <Line name="speaking-muted" icon={<MicOff aria-hidden="true" />} text={words.value.room.speakingMuted} />
        )}
        {soundRefused && (
          <div class="line" data-line="sound-refused" role="alert">
            <span>{words.value.room.soundBlocked}</span>
            <Button action="enable-sound" look="primary" icon={<Volume2 aria-hidden="true" />} onPress={playSound}>
              {words.value.actions.enableSound}
            </Button>
          </div>
        )}
      </div>
      <div class="tiles">
        {here.map((person) => (
          <Tile
            key={person.view.person.id}
            person={person}
            pictureless={pictureless(view)}
            soundAttempt={soundAttempt}
            onSoundRefused={() => setSoundRefused(true)}
            onPictureShown={actions.pictureShown}
          />
        ))}
        {here.length === 0 && <p class="alone">{aloneText(view)}</p>}
      </div>
    </main>
  );
}

function Own({ view }: { readonly view: RoomView }) {
  const camera = trackOf(view.devices.camera);
  const said = words.value;
  const muted = view.devices.microphone.kind !== "on";
  return (
    <section class="own" aria-label={said.you}>
      <div class="own-picture">
        {camera ? (
          <OwnPicture track={camera} label={said.devices.own} />
        ) : (
          <p class="no-picture">
            <VideoOff aria-hidden="true" />
            {view.withMedia ? ownCameraWords(said, view.devices.camera) : said.devices.cameraOff}
          </p>
        )}
      </div>
      <p class="own-name">
        <strong>{said.you}</strong>
        {view.withMedia && muted && (
          <span class="tag">
            <MicOff aria-hidden="true" />
            {said.room.microphoneIsOff}
          </span>
        )}
      </p>
    </section>
  );
}

function ConnectionLine({ connection }: { readonly connection: CallConnection }) {
  const text = connectionText(words.value, connection);
  return text ? <Line name="connection" icon={<RefreshCw aria-hidden="true" />} text={text} /> : null;
}

function Line({
  name,
  icon,
  text,
}: {
  readonly name: string;
  readonly icon: preact.ComponentChild;
  readonly text: string;
}) {
  return (
    <p class="line" data-line={name} role="status">
      {icon}
      <span>{text}</span>
    </p>
  );
}

function connectionText(said: Words, connection: CallConnection): string {
  if (connection.kind === "live") return connection.link === "down" ? said.connection.linkDown : "";
  return said.connection[connection.kind];
}

function ownCameraWords(said: Words, camera: DeviceStatus): string {
  if (camera.kind !== "trouble") return said.devices.cameraOff;
  return `${said.troubleWith.camera}: ${lowerFirst(said.troubles[camera.trouble].title)}`;
}

function pictureless(view: RoomView): "audioOnly" | "textOnly" | null {
  if (!view.withMedia) return "textOnly";
  return view.quality === "audio_only" ? "audioOnly" : null;
}

function aloneText(view: RoomView): string {
  const awaited = view.others.find((one) => one.view.person.role === "practitioner") ?? view.others[0];
  return awaited ? words.value.room.alone(awaited.view.person.name) : words.value.room.aloneNobody;
}

/** Read aloud whenever it changes. */
function announced(view: RoomView): string {
  const said = words.value.room;
  if (!view.withMedia) return said.textOnly;
  const microphone = view.devices.microphone.kind === "on" ? said.microphoneIsOn : said.microphoneIsOff;
  const camera = view.devices.camera.kind === "on" ? said.cameraIsOn : said.cameraIsOff;
  return `${microphone}. ${camera}.`;
}
