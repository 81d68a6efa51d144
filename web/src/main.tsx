import { render } from "preact";

const root = document.getElementById("app");
if (root) {
  root.dataset.state = "opening";
  render(<p>Открываем приём…</p>, root);
}
