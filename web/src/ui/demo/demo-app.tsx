import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { DemoView } from "../../protocol/demo.ts";
import { call } from "../../signal/http.ts";
import { startLanguage } from "../language.ts";
import { DemoPage } from "./demo-page.tsx";

const REFRESH_MILLISECONDS = 3000;

export function showDemo(place: HTMLElement): void {
  startLanguage();
  place.replaceChildren();
  place.dataset.state = "demo";
  render(<DemoApp />, place);
}

/** Keeps the demonstration clinic fresh and passes the buttons on. */
function DemoApp() {
  const [view, setView] = useState<DemoView | null>(null);
  const [failed, setFailed] = useState(false);
  const load = () => call<DemoView>("GET", "/api/v1/demo").then(setView);
  const post = (path: string, body: unknown) => {
    setFailed(false);
    call<unknown>("POST", path, body)
      .then(load)
      .catch(() => setFailed(true));
  };
  useEffect(() => {
    load().catch(() => setFailed(true));
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") load().catch(() => {});
    }, REFRESH_MILLISECONDS);
    return () => clearInterval(timer);
  }, []);
  if (!view) return null;
  return (
    <DemoPage
      view={view}
      failed={failed}
      actions={{
        act: (appointment, action) =>
          post(`/api/v1/demo/appointments/${encodeURIComponent(appointment)}/${action}`, {}),
        shift: (minutes) => post("/api/v1/demo/clock", { minutes }),
      }}
    />
  );
}
