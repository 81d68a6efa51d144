// Draws one declared state of the screens, named in the address: /shots.html?screen=join&state=too_early&language=ru
import { render } from "preact";
import { DemoPage } from "../ui/demo/demo-page.tsx";
import { JoinPage } from "../ui/join/join-page.tsx";
import { type JoinActions, pageState } from "../ui/join/join-view.ts";
import { type Language, setLanguage } from "../ui/language.ts";
import { RoomPage } from "../ui/room/room-page.tsx";
import type { RoomActions } from "../ui/room/room-view.ts";
import { demoShot } from "./demo-shots.ts";
import { joinShots } from "./join-shots.ts";
import { roomShots } from "./room-shots.ts";
import { JOIN_STATES, type JoinState, ROOM_STATES, type RoomState } from "./states.ts";
import "../ui/styles/tokens.css";
import "../ui/styles/base.css";
import "../ui/styles/dialog.css";
import "../ui/styles/page.css";
import "../ui/styles/join.css";
import "../ui/styles/trouble.css";

const nothing = () => {};
const devices = { enable: nothing, retry: nothing, choose: nothing };

const joinActions: JoinActions = {
  ...devices,
  enter: nothing,
  takeOver: nothing,
  enterAudioOnly: nothing,
  enterTextOnly: nothing,
  acceptConsent: nothing,
  reopen: nothing,
  comeBack: nothing,
  pay: nothing,
  forget: nothing,
};

const roomActions: RoomActions = {
  ...devices,
  toggleMicrophone: nothing,
  toggleCamera: nothing,
  setQuality: nothing,
  pictureShown: nothing,
  way: () => Promise.resolve({ protocol: "udp", relayed: false }),
  leave: nothing,
  finish: nothing,
  forget: nothing,
  remove: nothing,
  shareScreen: nothing,
  stopScreen: nothing,
  shareUnderstood: nothing,
  pin: nothing,
  draw: nothing,
};

const root = document.getElementById("app");

/** The names of all pictures, for the tools that look at them. */
const names = { join: JOIN_STATES, room: ROOM_STATES, demo: ["clinic"] };

function show(place: HTMLElement, screen: string, state: string, language: Language): void {
  render(null, place);
  scrollTo(0, 0);
  setLanguage(language, false);
  if (screen === "join") {
    const view = joinShots[state as JoinState]();
    place.dataset.state = pageState(view.lobby);
    render(<JoinPage view={view} actions={joinActions} />, place);
    if (state === "other-device") document.querySelector<HTMLElement>("[data-action=other-device]")?.click();
  } else if (screen === "room") {
    place.dataset.state = "room";
    render(<RoomPage view={roomShots[state as RoomState]()} actions={roomActions} />, place);
    if (state === "screen-zoomed") document.querySelector<HTMLElement>("[data-action=zoom-in]")?.click();
  } else {
    render(<DemoPage view={demoShot} failed={false} actions={{ act: nothing, shift: nothing }} />, place);
  }
}

/** Draws the declared state that the address names, and lets the script that takes the pictures name others. */
if (root) {
  const asked = new URLSearchParams(location.search);
  Object.assign(window, { shots: names, show: show.bind(null, root) });
  show(
    root,
    asked.get("screen") ?? "demo",
    asked.get("state") ?? "clinic",
    asked.get("language") === "en" ? "en" : "ru",
  );
}
