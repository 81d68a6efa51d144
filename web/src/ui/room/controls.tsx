import {
  CircleCheckBig,
  LogOut,
  Mic,
  MicOff,
  MonitorUp,
  MonitorX,
  Settings,
  Users,
  Video,
  VideoOff,
} from "lucide-preact";
import type { ComponentChildren } from "preact";
import { words } from "../language.ts";
import { leads, present, type RoomActions, type RoomDialog, type RoomView } from "./room-view.ts";

interface ToolButtonProps {
  readonly action: string;
  /** What pressing does, for those who can't see the icon. */
  readonly name: string;
  /** The short word under the icon. */
  readonly caption: string;
  /** A small number beside the icon. */
  readonly count?: number;
  readonly pressed?: boolean;
  readonly alarming?: boolean;
  /** Something is going on that another press ends. */
  readonly on?: boolean;
  readonly onPress: () => void;
  readonly children: ComponentChildren;
}

function ToolButton({
  action,
  name,
  caption,
  count,
  pressed,
  alarming = false,
  on = false,
  onPress,
  children,
}: ToolButtonProps) {
  return (
    <button
      type="button"
      class={`tool ${alarming ? "alarming" : ""} ${on ? "on" : ""}`}
      data-action={action}
      aria-label={name}
      title={name}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      onClick={onPress}
    >
      {children}
      <span aria-hidden="true">{caption}</span>{" "}
      {count !== undefined && (
        <span class="count" aria-hidden="true">
          {count}
        </span>
      )}
    </button>
  );
}

interface ToolsProps {
  readonly view: RoomView;
  readonly actions: RoomActions;
  readonly open: boolean;
  readonly onToggle: () => void;
}

/** Top left: the room's tools, each with its own close button. */
export function Tools({ view, actions, open, onToggle }: ToolsProps) {
  const said = words.value.room;
  return (
    <nav class="tools" aria-label={said.tools}>
      <ToolButton
        action="participants"
        name={`${said.participants}: ${said.people(present(view).length + 1)}`}
        caption={said.participants}
        count={present(view).length + 1}
        pressed={open}
        onPress={onToggle}
      >
        <Users aria-hidden="true" />
      </ToolButton>
      {view.canShare && <ScreenButton view={view} actions={actions} />}
    </nav>
  );
}

/** Only where the browser can share a screen at all: phones can't. */
function ScreenButton({ view, actions }: Pick<ToolsProps, "view" | "actions">) {
  const said = words.value.room.screen;
  const sharing = view.share.kind === "sharing" || view.share.kind === "asking";
  const other = view.sharer !== null && view.sharer.person.id !== view.me.person.id ? view.sharer.person.name : null;
  const start = other !== null && leads(view) ? said.shareInstead(other) : said.share;
  return (
    <ToolButton
      action="screen"
      name={sharing ? said.stopName : start}
      caption={said.short}
      on={sharing}
      onPress={sharing ? actions.stopScreen : actions.shareScreen}
    >
      {sharing ? <MonitorX aria-hidden="true" /> : <MonitorUp aria-hidden="true" />}
    </ToolButton>
  );
}

interface ControlsProps {
  readonly view: RoomView;
  readonly actions: RoomActions;
  readonly onDialog: (dialog: RoomDialog) => void;
}

/** Top right: microphone, camera, settings, and the ways out. */
export function Controls({ view, actions, onDialog }: ControlsProps) {
  const said = words.value.room;
  const microphoneOn = view.devices.microphone.kind === "on";
  const cameraOn = view.devices.camera.kind === "on";
  return (
    <section class="controls" aria-label={said.controls}>
      {view.withMedia && (
        <>
          <ToolButton
            action="microphone"
            name={microphoneOn ? said.muteMicrophone : said.unmuteMicrophone}
            caption={said.microphoneShort}
            alarming={!microphoneOn}
            onPress={actions.toggleMicrophone}
          >
            {microphoneOn ? <Mic aria-hidden="true" /> : <MicOff aria-hidden="true" />}
          </ToolButton>
          <ToolButton
            action="camera"
            name={cameraOn ? said.stopCamera : said.startCamera}
            caption={said.cameraShort}
            alarming={!cameraOn}
            onPress={actions.toggleCamera}
          >
            {cameraOn ? <Video aria-hidden="true" /> : <VideoOff aria-hidden="true" />}
          </ToolButton>
        </>
      )}
      <ToolButton action="settings" name={said.settings} caption={said.settings} onPress={() => onDialog("settings")}>
        <Settings aria-hidden="true" />
      </ToolButton>
      {leads(view) && (
        <ToolButton action="finish" name={said.finish} caption={said.finish} onPress={() => onDialog("finish")}>
          <CircleCheckBig aria-hidden="true" />
        </ToolButton>
      )}
      <ToolButton action="leave" name={said.leave} caption={said.leave} onPress={() => onDialog("leave")}>
        <LogOut aria-hidden="true" />
      </ToolButton>
    </section>
  );
}
