import { Gauge } from "lucide-preact";
import { words } from "../language.ts";
import { present, type RoomView } from "./room-view.ts";

/** A calm line for oneself: what was done about a weak link, so that sound stays. Silent while worse is being said. */
export function OwnLink({ view }: { readonly view: RoomView }) {
  const measure = view.links.get(view.me.person.id)?.measure ?? "none";
  if (measure === "none" || view.connection.kind !== "live" || view.quality === "audio_only") return null;
  const some = measure === "picture_off" && present(view).length > 1;
  return (
    <p class="line" data-line="own-link" role="status">
      <Gauge aria-hidden="true" />
      <span>{words.value.link.own[some ? "pictures_off" : measure]}</span>
    </p>
  );
}
