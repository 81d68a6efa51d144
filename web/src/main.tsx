import { render } from "preact";
import { App } from "./ui/app.tsx";
import { startLanguage } from "./ui/language.ts";
import "./ui/styles/tokens.css";
import "./ui/styles/base.css";
import "./ui/styles/join.css";

const root = document.getElementById("app");
const token = /^\/j\/([^/]+)\/?$/.exec(location.pathname)?.[1];

async function start(place: HTMLElement): Promise<void> {
  startLanguage();
  if (token) {
    place.replaceChildren();
    render(<App token={decodeURIComponent(token)} root={place} />, place);
    return;
  }
  const { DemoApp } = await import("./ui/demo/demo-app.tsx");
  place.replaceChildren();
  place.dataset.state = "demo";
  render(<DemoApp />, place);
}

if (root) void start(root);
