import { MonitorX, ZoomIn, ZoomOut } from "lucide-preact";
import { useState } from "preact/hooks";
import { pictureName } from "../../call/viewing.ts";
import { words } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { Picture } from "../parts/picture.tsx";
import type { Flow } from "../parts/picture-flow.ts";
import { PinButton } from "./pin-button.tsx";
import { leads, type PersonInRoom, pictureless, type RoomActions, type RoomView } from "./room-view.ts";
import type { Place } from "./stage-layout.ts";
import { useShown } from "./use-shown.ts";

const ZOOMS = [1, 1.5, 2, 3] as const;

interface ScreenTileProps {
  readonly view: RoomView;
  readonly sharer: PersonInRoom;
  readonly place: Place;
  readonly order: number;
  readonly actions: RoomActions;
}

/** Somebody's shared screen; on a phone it is made larger and moved under the finger until it can be read. */
export function ScreenTile({ view, sharer, place, order, actions }: ScreenTileProps) {
  const [zoom, setZoom] = useState(0);
  const [flow, setFlow] = useState<Flow>(view.flows ? "going" : "coming");
  const { id, name } = sharer.view.person;
  const said = words.value.room;
  const wanted = pictureless(view) === null;
  const stream = wanted ? sharer.media.screen : null;
  const picture = pictureName(id, true);
  const element = useShown<HTMLElement>(picture, stream !== null, actions.draw);
  // A screen on which nothing moves is not still: it is sent as rarely as it changes.
  const shown = flow === "going" || flow === "still";
  const title = said.screen.of(name);
  const scale = place === "beside" ? 1 : (ZOOMS[zoom] ?? 1);
  return (
    <figure ref={element} class={`tile screen ${place}`} style={`order:${order}`} data-screen={id} data-place={place}>
      {stream ? (
        <section class="view" aria-label={title} {...(scale > 1 ? { tabIndex: 0 } : {})}>
          <div class={`paper ${scale > 1 ? "zoomed" : ""}`} style={`--zoom:${scale}`}>
            <Picture
              stream={stream}
              participant={picture}
              label={title}
              onShown={actions.pictureShown}
              onFlow={view.flows ? undefined : setFlow}
            />
          </div>
        </section>
      ) : null}
      {(!stream || !shown) && (
        <div class="no-camera">
          <p>{wanted ? said.screen.coming : said.screen.unseen}</p>
        </div>
      )}
      <figcaption>
        <strong title={title}>{title}</strong>
        {place !== "beside" && stream && <Zoom level={zoom} onLevel={setZoom} />}
        {place !== "beside" && leads(view) && (
          <Button action="stop-their-screen" icon={<MonitorX aria-hidden="true" />} onPress={actions.stopScreen}>
            {said.screen.stop}
          </Button>
        )}
      </figcaption>
      <PinButton
        who={title}
        place={place}
        pinned={view.stage.pinned === picture}
        onPin={(pin) => actions.pin(pin ? picture : null)}
      />
    </figure>
  );
}

function Zoom({ level, onLevel }: { readonly level: number; readonly onLevel: (level: number) => void }) {
  const said = words.value.room.screen;
  const steps = [
    { action: "zoom-out", name: said.smaller, to: level - 1, Icon: ZoomOut },
    { action: "zoom-in", name: said.larger, to: level + 1, Icon: ZoomIn },
  ];
  return (
    <span class="zoom">
      {steps.map(({ action, name, to, Icon }) => (
        <button
          key={action}
          type="button"
          class="icon-button"
          data-action={action}
          aria-label={name}
          title={name}
          aria-disabled={ZOOMS[to] === undefined}
          onClick={() => ZOOMS[to] !== undefined && onLevel(to)}
        >
          <Icon aria-hidden="true" />
        </button>
      ))}
    </span>
  );
}
