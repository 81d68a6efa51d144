import { MicOff, WifiOff } from "lucide-preact";
import type { MediaState } from "../../protocol/generated.ts";
import { words } from "../language.ts";
import { Picture } from "../parts/picture.tsx";
import { Sound } from "../parts/sound.tsx";
import type { Words } from "../words/ru.ts";
import type { PersonInRoom } from "./room-view.ts";

interface TileProps {
  readonly person: PersonInRoom;
  /** Why this person is shown no pictures: a weak link is spared, or they came without sound and video. */
  readonly pictureless: "audioOnly" | "textOnly" | null;
  readonly soundAttempt: number;
  readonly onSoundRefused: () => void;
  readonly onPictureShown: () => void;
}

/** One other person: picture (or why there is none), name, what their microphone and connection do. */
export function Tile({ person, pictureless, soundAttempt, onSoundRefused, onPictureShown }: TileProps) {
  const { person: who, media: told, connection } = person.view;
  const said = words.value;
  const { sound } = person.media;
  const picture = pictureless ? null : person.media.picture;
  const cameraOn = told.camera === "on";
  const disturbed = connection !== "live" && connection !== "connecting";
  return (
    <figure class="tile" data-tile={who.id} data-peer-connection={connection}>
      {picture && <Picture stream={picture} participant={who.id} label={who.name} onShown={onPictureShown} />}
      {sound && <Sound stream={sound} participant={who.id} attempt={soundAttempt} onRefused={onSoundRefused} />}
      {(!cameraOn || !picture) && (
        <div class="no-camera">
          <span class="initial" aria-hidden="true">
            {who.name.charAt(0)}
          </span>
          {pictureless === "textOnly" && <p>{said.room.textOnly}</p>}
          {pictureless === "audioOnly" && cameraOn && <p>{said.room.audioOnly}</p>}
          {pictureless !== "textOnly" && !cameraOn && <p>{cameraWords(said, told)}</p>}
        </div>
      )}
      <figcaption>
        <strong>{who.name}</strong>
        <span>{who.specialty || who.relationship || said.roles[who.role]}</span>
        {told.microphone !== "on" && (
          <span class="tag">
            <MicOff aria-hidden="true" />
            {said.room.theirMicrophoneOff}
          </span>
        )}
        {connection === "connecting" && <span role="status">{said.peerConnection.connecting}</span>}
        {disturbed && (
          <span class="tag" role="status">
            <WifiOff aria-hidden="true" />
            {said.peerConnection[connection]}
          </span>
        )}
      </figcaption>
    </figure>
  );
}

function cameraWords({ room: said }: Words, told: MediaState): string {
  if (told.microphone !== "on") return said.theirBothOff;
  return told.camera === "off" ? said.theirCameraOff : said.theirCameraBlocked;
}
