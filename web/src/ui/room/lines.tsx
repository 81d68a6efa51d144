import { Info, MicOff, MonitorUp, MonitorX, RefreshCw, UserMinus, UserPlus, Volume2, X } from "lucide-preact";
import type { ComponentChild } from "preact";
import type { Coming } from "../../call/comings.ts";
import { words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import type { Words } from "../words/ru.ts";
import { OwnLink } from "./own-link.tsx";
import type { RoomActions, RoomView } from "./room-view.ts";
import { shareTroubleText } from "./room-words.ts";

interface LinesProps {
  readonly view: RoomView;
  readonly actions: RoomActions;
  readonly soundRefused: boolean;
  readonly onPlaySound: () => void;
}

/** What has to be said above the stage. */
export function Lines({ view, actions, soundRefused, onPlaySound }: LinesProps) {
  const said = words.value.room;
  return (
    <div class="lines">
      <ConnectionLine view={view} />
      <OwnLink view={view} />
      {view.notice && <Line name={view.notice} icon={<Info aria-hidden="true" />} text={said.notices[view.notice]} />}
      {view.coming && <ComingLine coming={view.coming} />}
      {view.failed && <Line name="failed" icon={<Info aria-hidden="true" />} text={said.failed} />}
      <ShareLine view={view} actions={actions} />
      {view.withMedia && view.devices.microphone.kind === "trouble" && (
        <Line name="microphone-trouble" icon={<MicOff aria-hidden="true" />} text={said.microphoneTrouble} />
      )}
      {view.speakingMuted && (
        <Line name="speaking-muted" icon={<MicOff aria-hidden="true" />} text={said.speakingMuted} />
      )}
      {soundRefused && (
        <div class="line" data-line="sound-refused" role="alert">
          <span>{said.soundBlocked}</span>
          <Button action="enable-sound" look="primary" icon={<Volume2 aria-hidden="true" />} onPress={onPlaySound}>
            {words.value.actions.enableSound}
          </Button>
        </div>
      )}
    </div>
  );
}

/** The own shared screen: that it is shown, or why it is not any more. */
function ShareLine({ view, actions }: Pick<LinesProps, "view" | "actions">) {
  const said = words.value.room.screen;
  const { share } = view;
  if (share.kind === "sharing") {
    return (
      <Line name="sharing" icon={<MonitorUp aria-hidden="true" />} text={said.mine}>
        <Button action="stop-screen" icon={<MonitorX aria-hidden="true" />} onPress={actions.stopScreen}>
          {said.stop}
        </Button>
      </Line>
    );
  }
  if (share.kind !== "idle" || share.trouble === null) return null;
  return (
    <Line
      name={`share-${share.trouble}`}
      icon={<Info aria-hidden="true" />}
      text={shareTroubleText(said, share.trouble, view)}
    >
      <button
        type="button"
        class="icon-button"
        data-action="share-understood"
        aria-label={words.value.close}
        onClick={actions.shareUnderstood}
      >
        <X aria-hidden="true" />
      </button>
    </Line>
  );
}

function ConnectionLine({ view }: { readonly view: RoomView }) {
  const text = connectionText(words.value, view);
  return text ? <Line name="connection" icon={<RefreshCw aria-hidden="true" />} text={text} /> : null;
}

/** Read aloud by `Announcements`. */
function ComingLine({ coming: { kind, name } }: { readonly coming: Coming }) {
  const Icon = kind === "came" ? UserPlus : UserMinus;
  return <Line name={kind} icon={<Icon aria-hidden="true" />} text={words.value.room[kind](name)} aloud={false} />;
}

interface LineProps {
  readonly name: string;
  readonly icon: ComponentChild;
  readonly text: string;
  readonly aloud?: boolean;
  /** What can be done about it. */
  readonly children?: ComponentChild;
}

function Line({ name, icon, text, aloud = true, children }: LineProps) {
  return (
    <div class="line" data-line={name} {...(aloud ? { role: "status" } : {})}>
      {icon}
      <span>{text}</span>
      {children}
    </div>
  );
}

function connectionText(said: Words, { connection, roomFull }: RoomView): string {
  if (connection.kind === "live") return connection.link === "down" ? said.connection.linkDown : "";
  return roomFull && connection.kind !== "gone" ? said.room.roomFull : said.connection[connection.kind];
}
