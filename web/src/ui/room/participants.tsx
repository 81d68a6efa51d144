import { Mic, MicOff, MonitorUp, UserX, Video, VideoOff, X } from "lucide-preact";
import { useEffect, useRef } from "preact/hooks";
import type { ConnectionState, LinkQuality, ParticipantView } from "../../protocol/generated.ts";
import { words } from "../language.ts";
import type { Words } from "../words/ru.ts";
import { leads, type RoomActions, type RoomDialog, type RoomView } from "./room-view.ts";
import { WayLine } from "./way-line.tsx";

interface PanelProps {
  readonly view: RoomView;
  readonly actions: Pick<RoomActions, "way">;
  readonly onClose: () => void;
  readonly onDialog: (dialog: RoomDialog) => void;
}

/** Who is here and who is not, what their devices do, and their connection in words. */
export function Participants({ view, actions, onClose, onDialog }: PanelProps) {
  const said = words.value.room;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const others = view.others.map((person) => person.view);
  const here = [view.me, ...others.filter((person) => person.connection !== "absent")];
  const absent = others.filter((person) => person.connection === "absent");
  return (
    <aside class="panel" data-panel="participants" aria-label={said.participants}>
      <header>
        <h2 ref={heading} tabIndex={-1}>
          {said.participants}
        </h2>
        <button
          type="button"
          class="icon-button"
          data-action="close-participants"
          aria-label={words.value.close}
          onClick={onClose}
        >
          <X aria-hidden="true" />
        </button>
      </header>
      <h3>{said.here}</h3>
      <ul>
        {here.map((person) => (
          <Row key={person.person.id} person={person} view={view} onDialog={onDialog} />
        ))}
      </ul>
      {absent.length > 0 && (
        <>
          <h3>{said.absent}</h3>
          <ul>
            {absent.map((person) => (
              <Row key={person.person.id} person={person} view={view} onDialog={onDialog} />
            ))}
          </ul>
        </>
      )}
      <WayLine view={view} actions={actions} />
    </aside>
  );
}

interface RowProps {
  readonly person: ParticipantView;
  readonly view: RoomView;
  readonly onDialog: (dialog: RoomDialog) => void;
}

function Row({ person, view, onDialog }: RowProps) {
  const { person: who, media, connection } = person;
  const said = words.value;
  const mine = who.id === view.me.person.id;
  const absent = connection === "absent";
  const link = view.links.get(who.id);
  const removable = leads(view) && !mine && who.role !== "practitioner";
  return (
    <li data-person={who.id} data-peer-connection={connection}>
      <span class="initial" aria-hidden="true">
        {who.name.charAt(0)}
      </span>
      <span class="who">
        <strong>
          {who.name}
          {mine ? ` (${said.you.toLowerCase()})` : ""}
        </strong>
        <span class="facts">
          <small>{said.roles[who.role]}</small>
          {!absent && <small>{linkWords(said, connection, link)}</small>}
          {!absent && link && link.measure !== "none" && <small>{said.link.measure[link.measure]}</small>}
        </span>
      </span>
      {!absent && (
        <span class="marks">
          {view.sharer?.person.id === who.id && <MonitorUp role="img" aria-label={said.room.screen.shares} />}
          <Mark
            on={media.microphone === "on"}
            yes={Mic}
            no={MicOff}
            words={[said.room.microphoneIsOn, said.room.microphoneIsOff]}
          />
          <Mark
            on={media.camera === "on"}
            yes={Video}
            no={VideoOff}
            words={[said.room.cameraIsOn, said.room.cameraIsOff]}
          />
        </span>
      )}
      {removable && (
        <button
          type="button"
          class="icon-button"
          data-action="remove"
          aria-label={said.room.removeAsk(who.name)}
          title={said.room.remove}
          onClick={() => onDialog({ remove: who.id })}
        >
          <UserX aria-hidden="true" />
        </button>
      )}
    </li>
  );
}

/** While somebody is live their link has a grade; else what is wrong says more. */
function linkWords(said: Words, connection: ConnectionState, link: LinkQuality | undefined): string {
  return connection === "live" && link ? said.link.level[link.level] : said.peerConnection[connection];
}

interface MarkProps {
  readonly on: boolean;
  readonly yes: typeof Mic;
  readonly no: typeof Mic;
  readonly words: readonly [string, string];
}

function Mark({ on, yes: Yes, no: No, words: [isOn, isOff] }: MarkProps) {
  const Icon = on ? Yes : No;
  return <Icon role="img" aria-label={on ? isOn : isOff} class={on ? "" : "off"} />;
}
