import { MicOff, VideoOff } from "lucide-preact";
import type { DeviceStatus } from "../../call/device-state.ts";
import { trackOf } from "../devices-view.ts";
import { lowerFirst } from "../format.ts";
import { words } from "../language.ts";
import { OwnPicture } from "../parts/own-picture.tsx";
import type { Words } from "../words/ru.ts";
import type { RoomView } from "./room-view.ts";

/** The person's own picture, or why there is none. */
export function Own({ view }: { readonly view: RoomView }) {
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
            <span>{view.withMedia ? ownCameraWords(said, view.devices.camera) : said.devices.cameraOff}</span>
          </p>
        )}
      </div>
      <p class="own-name">
        <strong>{said.you}</strong>
        {view.withMedia && muted && (
          <span class="tag">
            <MicOff aria-hidden="true" />
            <span>{said.room.microphoneIsOff}</span>
          </span>
        )}
      </p>
    </section>
  );
}

function ownCameraWords(said: Words, camera: DeviceStatus): string {
  if (camera.kind !== "trouble") return said.devices.cameraOff;
  return `${said.troubleWith.camera}: ${lowerFirst(said.troubles[camera.trouble].title)}`;
}
