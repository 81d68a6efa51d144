import { useEffect, useState } from "preact/hooks";
import { words } from "../language.ts";
import { present, type RoomView } from "./room-view.ts";

/** What changes without a word in view is read aloud. */
export function Announcements({ view }: { readonly view: RoomView }) {
  return (
    <>
      <p class="unseen" role="status" data-announce="devices">
        {devices(view)}
      </p>
      <p class="unseen" role="status" data-announce="people">
        {view.coming && words.value.room[view.coming.kind](view.coming.name)}
      </p>
      <p class="unseen" role="status" data-announce="screen">
        {useScreenNews(view)}
      </p>
      <p class="unseen" role="status" data-announce="pinned">
        {pinned(view)}
      </p>
    </>
  );
}

function devices(view: RoomView): string {
  const said = words.value.room;
  if (!view.withMedia) return said.textOnly;
  const microphone = view.devices.microphone.kind === "on" ? said.microphoneIsOn : said.microphoneIsOff;
  const camera = view.devices.camera.kind === "on" ? said.cameraIsOn : said.cameraIsOff;
  return `${microphone}. ${camera}.`;
}

/** Who shows a screen, and that nobody does any more; nothing when nobody ever did. */
function useScreenNews(view: RoomView): string {
  const said = words.value.room.screen;
  const shown = view.sharer !== null;
  const [everShown, setEverShown] = useState(shown);
  useEffect(() => {
    if (shown) setEverShown(true);
  }, [shown]);
  if (!view.sharer) return everShown ? said.ended : "";
  return view.sharer.person.id === view.me.person.id ? said.mine : said.theirs(view.sharer.person.name);
}

function pinned(view: RoomView): string {
  const { pinned: name, screen } = view.stage;
  if (name === null) return "";
  const said = words.value.room;
  if (name === screen) return said.stage.pinned(said.screen.of(view.sharer?.person.name ?? ""));
  const who = present(view).find((one) => one.view.person.id === name);
  return who ? said.stage.pinned(who.view.person.name) : "";
}
