import { AudioLines, LogIn, MicOff, PauseCircle, VideoOff, WifiOff } from "lucide-preact";
import { useState } from "preact/hooks";
import type { MediaState } from "../../protocol/generated.ts";
import { words } from "../language.ts";
import { Picture } from "../parts/picture.tsx";
import type { Flow } from "../parts/picture-flow.ts";
import { Sound } from "../parts/sound.tsx";
import type { Words } from "../words/ru.ts";
import { PinButton } from "./pin-button.tsx";
import type { PersonInRoom } from "./room-view.ts";
import type { Place } from "./stage-layout.ts";
import { type Draw, useShown } from "./use-shown.ts";

interface TileProps {
  readonly person: PersonInRoom;
  readonly place: Place;
  /** Where among all, the large one first: what is read in order stays, what is seen moves. */
  readonly order: number;
  readonly pinned: boolean;
  readonly speaking: boolean;
  /** Why this person is shown no pictures: a weak link is spared, or they came without sound and video. */
  readonly pictureless: "audioOnly" | "textOnly" | null;
  /** How the picture comes, where it is not to be found out (pictures of the screen). */
  readonly flow?: Flow | undefined;
  readonly soundAttempt: number;
  readonly onSoundRefused: () => void;
  readonly onPictureShown: () => void;
  readonly onPin: (name: string | null) => void;
  readonly onDraw: Draw;
}

/** One other person: picture (or why there is none), name, what their microphone and connection do. */
export function Tile(props: TileProps) {
  const { person, place, order, pinned, speaking, pictureless, soundAttempt } = props;
  const { person: who, media: told, connection } = person.view;
  const said = words.value;
  const { sound } = person.media;
  const picture = pictureless ? null : person.media.picture;
  const cameraOn = told.camera === "on";
  const element = useShown<HTMLElement>(who.id, cameraOn && picture !== null, props.onDraw);
  const disturbed = connection !== "live" && connection !== "connecting";
  const [found, setFlow] = useState<Flow>("coming");
  const flow = props.flow ?? found;
  const pictured = cameraOn && picture !== null && (flow === "going" || flow === "still");
  const late = flow === "still" || (flow === "overdue" && place === "beside");
  const paused = cameraOn && picture !== null && late && !disturbed;
  return (
    <figure
      ref={element}
      class={`tile ${place} ${speaking ? "speaking" : ""} ${paused ? "paused" : ""}`}
      style={`order:${order}`}
      data-tile={who.id}
      data-place={place}
      data-peer-connection={connection}
    >
      {picture && (
        <Picture
          stream={picture}
          participant={who.id}
          label={who.name}
          onShown={props.onPictureShown}
          onFlow={cameraOn && !props.flow ? setFlow : undefined}
        />
      )}
      {sound && <Sound stream={sound} participant={who.id} attempt={soundAttempt} onRefused={props.onSoundRefused} />}
      {!pictured && (
        <div class="no-camera" data-picture={pictureless ?? (cameraOn ? flow : "off")}>
          <span class="initial" aria-hidden="true">
            {who.name.charAt(0)}
          </span>
          {pictureless === "textOnly" && <p>{said.room.textOnly}</p>}
          {pictureless === "audioOnly" && cameraOn && <p>{said.room.audioOnly}</p>}
          {pictureless !== "textOnly" && !cameraOn && <p>{cameraWords(said, told)}</p>}
          {!pictureless && cameraOn && connection === "live" && (
            <p>{flow === "overdue" ? said.room.picturePaused : said.room.pictureComing}</p>
          )}
        </div>
      )}
      <figcaption>
        <strong title={who.name}>{who.name}</strong>
        <span class="part">{who.specialty || who.relationship || said.roles[who.role]}</span>
        {speaking && <Tag icon={AudioLines} look="calm" text={said.room.stage.speaking} />}
        {told.microphone !== "on" && <Tag icon={MicOff} text={said.room.theirMicrophoneOff} />}
        {!cameraOn && place === "beside" && <VideoOff class="mark" aria-hidden="true" />}
        {paused && <Tag icon={PauseCircle} text={said.room.picturePaused} />}
        {connection === "connecting" && <Tag icon={LogIn} look="calm" text={said.peerConnection.connecting} status />}
        {disturbed && <Tag icon={WifiOff} text={said.peerConnection[connection]} status />}
      </figcaption>
      <PinButton who={who.name} place={place} pinned={pinned} onPin={(pin) => props.onPin(pin ? who.id : null)} />
    </figure>
  );
}

interface TagProps {
  readonly icon: typeof MicOff;
  readonly text: string;
  readonly look?: "alarm" | "calm";
  readonly status?: boolean;
}

/** An icon with its words; a small tile shows the icon alone, and the words are still read aloud. */
function Tag({ icon: Icon, text, look = "alarm", status = false }: TagProps) {
  return (
    <span class={`tag ${look}`} title={text} {...(status ? { role: "status" } : {})}>
      <Icon aria-hidden="true" />
      <span>{text}</span>
    </span>
  );
}

function cameraWords({ room: said }: Words, told: MediaState): string {
  if (told.microphone !== "on") return said.theirBothOff;
  return told.camera === "off" ? said.theirCameraOff : said.theirCameraBlocked;
}
