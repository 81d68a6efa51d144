import { useState } from "preact/hooks";
import { Announcements } from "./announcements.tsx";
import { Controls, Tools } from "./controls.tsx";
import { Dialogs } from "./dialogs.tsx";
import { Participants } from "./participants.tsx";
import type { RoomActions, RoomDialog, RoomView } from "./room-view.ts";
import { Stage } from "./stage.tsx";
import "../styles/panel.css";
import "../styles/room.css";
import "../styles/stage.css";
import "../styles/tile.css";

/** S0's layout: the other person large, own picture at the right, devices top right, tools top left. */
export function RoomPage({ view, actions }: { readonly view: RoomView; readonly actions: RoomActions }) {
  const [panel, setPanel] = useState(view.panel ?? false);
  const [dialog, setDialog] = useState<RoomDialog | null>(view.dialog ?? null);
  return (
    <div class={`room ${panel ? "with-panel" : ""}`} data-connection={view.connection.kind}>
      <div class="bar">
        <Tools view={view} actions={actions} open={panel} onToggle={() => setPanel(!panel)} />
        <Controls view={view} actions={actions} onDialog={setDialog} />
      </div>
      {panel && <Participants view={view} actions={actions} onClose={() => setPanel(false)} onDialog={setDialog} />}
      <Stage view={view} actions={actions} />
      <Announcements view={view} />
      <Dialogs open={dialog} view={view} actions={actions} onClose={() => setDialog(null)} />
    </div>
  );
}
