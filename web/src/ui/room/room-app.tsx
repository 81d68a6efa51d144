import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Call } from "../../call/call.ts";
import type { LobbyControl } from "../../call/lobby.ts";
import { NOTHING_REMOTE } from "../../call/media-connection.ts";
import { canShareScreen } from "../../call/screen-share.ts";
import { measureLevel } from "../../call/sound.ts";
import type { RoomSnapshot } from "../../protocol/generated.ts";
import { deviceActions, devicesView } from "../devices-state.ts";
import { words } from "../language.ts";
import { RoomPage } from "./room-page.tsx";
import type { RoomActions, RoomView } from "./room-view.ts";

interface RoomAppProps {
  readonly control: LobbyControl;
  readonly call: Call;
}

/** Joins the call's state to the room's screen. */
export function RoomApp({ control, call }: RoomAppProps) {
  const failed = useSignal(false);
  const devices = useComputed(() => devicesView(control.local));
  const speakingMuted = useSpeakingMuted(control);
  const room = call.room.value;
  if (!room) return null;
  const view = roomView(room, control, call);
  if (!view) return null;
  const tried = (deed: Promise<void>) => {
    failed.value = false;
    deed.catch(() => {
      failed.value = true;
    });
  };
  const actions: RoomActions = {
    ...deviceActions(control),
    toggleMicrophone: () => toggleMicrophone(control),
    toggleCamera: () => void call.setCameraOn(control.local.camera.peek().kind !== "on"),
    setQuality: (quality) => void call.setQuality(quality),
    pictureShown: () => call.pictureShown(),
    way: () => call.way(),
    leave: () => void control.leave(),
    forget: () => void control.forget(),
    finish: () => tried(call.finish()),
    remove: (participant) => tried(call.remove(participant)),
    shareScreen: () => void call.shareScreen(),
    stopScreen: () => tried(call.stopScreen()),
    shareUnderstood: () => call.share.understood(),
    pin: (name) => call.stage.pin(name),
    draw: (name, shown) => call.viewing.draw(name, shown),
  };
  return (
    <RoomPage
      view={{ ...view, devices: devices.value, speakingMuted: speakingMuted.value, failed: failed.value }}
      actions={actions}
    />
  );
}

function roomView(room: RoomSnapshot, control: LobbyControl, call: Call): RoomView | null {
  const me = room.participants.find((one) => one.person.id === call.me.value);
  if (!me) return null;
  const lobby = control.state.value;
  const title = lobby.kind === "inside" ? (lobby.verdict.appointment?.title ?? "") : "";
  const others = room.participants
    .filter((one) => one !== me)
    .map((view) => ({ view, media: call.remote.value.get(view.person.id) ?? NOTHING_REMOTE }));
  return {
    title: title || words.value.room.title,
    me,
    others,
    coming: call.comings.news.value,
    stage: call.stage.state.value,
    sharer: room.participants.find((one) => one.person.id === room.screen) ?? null,
    share: call.share.state.value,
    canShare: control.withMedia.value && canShareScreen(),
    connection: call.connection.value,
    roomFull: call.offers.roomFull.value,
    links: call.links.value,
    devices: devicesView(control.local),
    quality: call.quality.value,
    withMedia: control.withMedia.value,
    // Only staff can do anything about a refund or a cancellation; a patient would be frightened for nothing.
    notice: me.person.role === "practitioner" || me.person.role === "consultant" ? room.notice : null,
    speakingMuted: false,
    failed: false,
  };
}

function toggleMicrophone(control: LobbyControl): void {
  const { local } = control;
  const status = local.microphone.peek();
  if (status.kind === "on") local.setMuted(true);
  else if (status.kind === "off" && status.track) local.setMuted(false);
  else void local.enable("microphone");
}

const SPEAKING = 0.5;
const SHOWN_MILLISECONDS = 4000;

/** True for a few seconds whenever somebody speaks into a muted microphone. */
function useSpeakingMuted(control: LobbyControl) {
  const speaking = useSignal(false);
  const status = control.local.microphone.value;
  const mutedTrack = status.kind === "off" ? status.track : null;
  useEffect(() => {
    speaking.value = false;
    if (!mutedTrack) return undefined;
    let loud = 0;
    let hide: ReturnType<typeof setTimeout> | undefined;
    const stop = measureLevel(mutedTrack, (level) => {
      loud = level > SPEAKING ? loud + 1 : 0;
      if (loud < 5) return;
      speaking.value = true;
      clearTimeout(hide);
      hide = setTimeout(() => {
        speaking.value = false;
      }, SHOWN_MILLISECONDS);
    });
    return () => {
      stop();
      clearTimeout(hide);
    };
  }, [mutedTrack]);
  return speaking;
}
