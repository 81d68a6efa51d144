import { openLink } from "./signal/http.ts";
import "./ui/styles/tokens.css";
import "./ui/styles/base.css";
import "./ui/styles/dialog.css";
import "./ui/styles/page.css";
import "./ui/styles/join.css";
import "./ui/styles/trouble.css";

// This first script is small: the question to the server is on its way while the page's own code still loads.
const root = document.getElementById("app");
const token = /^\/j\/([^/]+)\/?$/.exec(location.pathname)?.[1];

async function start(place: HTMLElement): Promise<void> {
  if (token) {
    const link = decodeURIComponent(token);
    const opened = openLink(link);
    // A failure is met where the answer is used.
    opened.catch(() => {});
    const { showApp } = await import("./ui/app.tsx");
    showApp(place, link, opened);
    return;
  }
  const { showDemo } = await import("./ui/demo/demo-app.tsx");
  showDemo(place);
}

if (root) void start(root);
