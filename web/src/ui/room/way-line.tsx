import { useEffect, useState } from "preact/hooks";
import type { MediaWay } from "../../call/media-way.ts";
import { words } from "../language.ts";
import type { RoomActions, RoomView } from "./room-view.ts";

/** Which way the own media takes: a detail that support asks for. Looked at anew when the connection changes. */
export function WayLine({ view, actions }: { readonly view: RoomView; readonly actions: Pick<RoomActions, "way"> }) {
  const [way, setWay] = useState<MediaWay | null>(null);
  const { kind } = view.connection;
  useEffect(() => {
    let shown = true;
    const looked = kind === "live" ? actions.way() : Promise.resolve(null);
    looked.catch(() => null).then((found) => shown && setWay(found));
    return () => {
      shown = false;
    };
  }, [kind]);
  if (!way) return null;
  return (
    <p class="way" data-way={way.relayed ? "relay" : way.protocol}>
      <small>{words.value.link.way(way.protocol.toUpperCase(), way.relayed)}</small>
    </p>
  );
}
