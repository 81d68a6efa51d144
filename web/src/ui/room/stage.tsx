import { useState } from "preact/hooks";
import { pictureName } from "../../call/viewing.ts";
import { words } from "../language.ts";
import { Lines } from "./lines.tsx";
import { Own } from "./own.tsx";
import { pictureless, present, type RoomActions, type RoomView } from "./room-view.ts";
import { ScreenTile } from "./screen-tile.tsx";
import { layoutOf, placeOf } from "./stage-layout.ts";
import { Tile } from "./tile.tsx";

interface StageProps {
  readonly view: RoomView;
  readonly actions: RoomActions;
}

/** Two: the other large, the own picture at the right. More: one large, the others beside; a shared screen goes first. */
export function Stage({ view, actions }: StageProps) {
  const [soundRefused, setSoundRefused] = useState(view.soundRefused ?? false);
  const [soundAttempt, setSoundAttempt] = useState(0);
  const { stage } = view;
  const here = present(view);
  const layout = layoutOf(stage);
  const sharer = here.find(({ view: one }) => pictureName(one.person.id, true) === stage.screen);
  const stand = (name: string) => ({ place: placeOf(stage, name), order: stage.places.indexOf(name) });
  const playSound = () => {
    setSoundRefused(false);
    setSoundAttempt(soundAttempt + 1);
  };
  return (
    <main
      class="stage"
      data-people={here.length + 1}
      data-layout={layout.kind}
      data-columns={layout.columns}
      data-own={layout.own}
    >
      <h1 class="unseen" tabIndex={-1}>
        {view.title}
      </h1>
      <Lines view={view} actions={actions} soundRefused={soundRefused} onPlaySound={playSound} />
      <div class="tiles" style={`--rows:${layout.rows}`}>
        {sharer && stage.screen && (
          <ScreenTile view={view} sharer={sharer} {...stand(stage.screen)} actions={actions} />
        )}
        {here.map((person) => (
          <Tile
            key={person.view.person.id}
            person={person}
            {...stand(person.view.person.id)}
            pinned={stage.pinned === person.view.person.id}
            speaking={stage.speaker === person.view.person.id && layout.kind === "group"}
            pictureless={pictureless(view)}
            flow={view.flows && (view.flows.get(person.view.person.id) ?? "going")}
            soundAttempt={soundAttempt}
            onSoundRefused={() => setSoundRefused(true)}
            onPictureShown={actions.pictureShown}
            onPin={actions.pin}
            onDraw={actions.draw}
          />
        ))}
        {here.length === 0 && <p class="alone">{aloneText(view)}</p>}
        <Own view={view} />
      </div>
    </main>
  );
}

function aloneText(view: RoomView): string {
  const awaited = view.others.find((one) => one.view.person.role === "practitioner") ?? view.others[0];
  return awaited ? words.value.room.alone(awaited.view.person.name) : words.value.room.aloneNobody;
}
