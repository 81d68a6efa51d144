import { MicOff, WifiOff } from "lucide-preact";
import type { MediaState } from "../../protocol/generated.ts";
import { words } from "../language.ts";
import { Picture } from "../parts/picture.tsx";
import { Sound } from "../parts/sound.tsx";
import type { Words } from "../words/ru.ts";
import type { PersonInRoom } from "./room-view.ts";

interface TileProps {
  readonly person: PersonInRoom;
  /** This person wants no pictures, to spare a weak link. */
  readonly soundOnly: boolean;
  readonly soundAttempt: number;
  readonly onSoundRefused: () => void;
  readonly onPictureShown: () => void;
}

/** One other person: picture (or why there is none), name, what their microphone and connection do. */
export function Tile({ person, soundOnly, soundAttempt, onSoundRefused, onPictureShown }: TileProps) {
  const { person: who, media: told, connection } = person.view;
  const said = words.value;
  const { sound } = person.media;
  const picture = soundOnly ? null : person.media.picture;
  const cameraOn = told.camera === "on";
  const disturbed = connection !== "live";
  return (
    <figure class="tile" data-tile={who.id} data-peer-connection={connection}>
      {picture && <Picture stream={picture} participant={who.id} label={who.name} onShown={onPictureShown} />}
      {sound && <Sound stream={sound} participant={who.id} attempt={soundAttempt} onRefused={onSoundRefused} />}
      {(!cameraOn || !picture) && (
        <div class="no-camera">
          <span class="initial" aria-hidden="true">
            {who.name.charAt(0)}
          </span>
          {cameraOn && soundOnly && <p>{said.room.audioOnly}</p>}
          {!cameraOn && <p>{cameraWords(said, told)}</p>}
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
