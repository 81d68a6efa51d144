import type { ShownTrouble } from "../devices-view.ts";

/** A small drawing of where to press, the same in both languages; the words stand beside it. */
export function TroublePicture({ trouble }: { readonly trouble: ShownTrouble }) {
  return (
    <svg class="trouble-picture" viewBox="0 0 240 132" aria-hidden="true">
      <rect class="window" x="1" y="1" width="238" height="130" rx="10" />
      {PICTURES[trouble]()}
    </svg>
  );
}

const PICTURES: Record<ShownTrouble, () => preact.JSX.Element> = {
  refused: () => (
    <>
      <AddressBar />
      <circle class="press" cx="27" cy="22" r="15" />
      <rect class="card" x="14" y="44" width="140" height="74" rx="8" />
      <Switch y={58} />
      <Switch y={90} />
    </>
  ),
  refused_by_system: () => (
    <>
      <rect class="card" x="50" y="14" width="140" height="104" rx="12" />
      <path class="line" d="M66 34h64" />
      <Switch y={50} x={66} />
      <Switch y={82} x={66} />
    </>
  ),
  missing: () => (
    <>
      <circle class="line" cx="76" cy="56" r="28" />
      <circle class="fill" cx="76" cy="56" r="11" />
      <path class="line" d="M76 84v14M56 102h40M104 56h28" />
      <path class="line dashed" d="M136 56h26" />
      <rect class="accent" x="166" y="44" width="42" height="24" rx="5" />
    </>
  ),
  in_use: () => (
    <>
      <rect class="card" x="22" y="22" width="112" height="78" rx="8" />
      <rect class="card" x="92" y="42" width="124" height="74" rx="8" />
      <path class="line" d="M96 72h116" />
      <circle class="press" cx="199" cy="54" r="13" />
      <path class="accent-line" d="M194.500 49.500l9 9M203.500 49.500l-9 9" />
    </>
  ),
  unsupported: () => (
    <>
      <AddressBar />
      <rect class="card" x="30" y="56" width="180" height="56" rx="10" />
      <circle class="fill" cx="70" cy="84" r="15" />
      <circle class="accent" cx="120" cy="84" r="15" />
      <circle class="fill" cx="170" cy="84" r="15" />
    </>
  ),
  in_app: () => (
    <>
      <AddressBar />
      <circle class="press" cx="220" cy="22" r="15" />
      <path class="dots" d="M220 15v.1M220 22v.1M220 29v.1" />
      <rect class="card" x="104" y="44" width="126" height="74" rx="8" />
      <path class="line" d="M118 62h70M118 100h60" />
      <rect class="accent" x="112" y="72" width="110" height="18" rx="5" />
    </>
  ),
  insecure: () => (
    <>
      <AddressBar />
      <rect class="accent" x="92" y="74" width="56" height="42" rx="8" />
      <path class="line" d="M104 74v-8a16 16 0 0 1 32 0v8" />
    </>
  ),
};

function AddressBar() {
  return (
    <>
      <rect class="bar" x="10" y="9" width="220" height="26" rx="13" />
      <circle class="fill" cx="27" cy="22" r="6" />
      <path class="line" d="M48 22h100" />
    </>
  );
}

function Switch({ y, x = 26 }: { readonly y: number; readonly x?: number }) {
  return (
    <>
      <path class="line" d={`M${x} ${y + 8}h56`} />
      <rect class="accent" x={x + 76} y={y} width="32" height="17" rx="8.500" />
      <circle class="knob" cx={x + 99} cy={y + 8.5} r="6" />
    </>
  );
}
