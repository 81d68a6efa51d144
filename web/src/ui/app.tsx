import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { LobbyControl } from "../call/lobby.ts";
import type { OpenedLink } from "../signal/http.ts";
import { deviceActions, devicesView } from "./devices-state.ts";
import { ownZone } from "./format.ts";
import { JoinPage } from "./join/join-page.tsx";
import { pageState } from "./join/join-view.ts";
import { startLanguage } from "./language.ts";
import type { RoomApp } from "./room/room-app.tsx";

/** The room's screens are loaded while the person looks at the join page, never before its first paint. */
const loadRoom = () => import("./room/room-app.tsx");

interface AppProps {
  readonly token: string;
  /** The link was opened before this code was here. */
  readonly opened: Promise<OpenedLink>;
  readonly root: HTMLElement;
}

export function showApp(root: HTMLElement, token: string, opened: Promise<OpenedLink>): void {
  startLanguage();
  root.replaceChildren();
  render(<App token={token} opened={opened} root={root} />, root);
}

function App({ token, opened, root }: AppProps) {
  const control = useMemo(() => new LobbyControl(token), [token]);
  const now = useSignal(Date.now());
  const [Room, setRoom] = useState<typeof RoomApp | null>(null);
  const devices = useComputed(() => devicesView(control.local));

  useEffect(() => {
    const stopWatching = control.watch();
    void control.open(opened).then(() => control.prepareIfAllowed());
    const painted = setTimeout(() => void loadRoom().then((module) => setRoom(() => module.RoomApp)), 100);
    const clock = setInterval(() => {
      now.value = Date.now() + control.clockOffset.peek();
    }, 500);
    return () => {
      clearTimeout(painted);
      clearInterval(clock);
      stopWatching();
    };
  }, [control]);

  useSignalEffect(() => {
    const lobby = control.state.value;
    root.dataset.state = pageState(lobby);
    root.dataset.entry = lobby.kind === "outside" ? lobby.entry.kind : "";
  });

  const state = useComputed(() => pageState(control.state.value));
  useEffect(() => {
    // A new page was put in place of the one being read: its heading is where reading goes on.
    document.querySelector<HTMLElement>("h1[tabindex]")?.focus({ preventScroll: true });
  }, [state.value]);

  const lobby = control.state.value;
  const call = control.call.value;
  if (lobby.kind === "inside") return call && Room ? <Room control={control} call={call} /> : null;
  return (
    <JoinPage
      view={{ lobby, devices: devices.value, now: now.value, zone: ownZone(), link: location.href }}
      actions={{
        ...deviceActions(control),
        enter: () => control.enter(),
        takeOver: () => control.enter({ takeOver: true }),
        enterAudioOnly: () => void control.enterAudioOnly(),
        enterTextOnly: () => control.enter({ withMedia: false }),
        acceptConsent: (version) => void control.acceptConsent(version),
        reopen: () => void control.open(),
        comeBack: () => void control.comeBack(),
        pay: () => control.paying(),
        forget: () => void control.forget(),
      }}
    />
  );
}
