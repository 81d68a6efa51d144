import { useEffect, useState } from "preact/hooks";

/** The link as a QR code; the drawing code is loaded when somebody asks for it. */
export function QrCode({ link, label }: { readonly link: string; readonly label: string }) {
  const [rows, setRows] = useState<readonly (readonly boolean[])[]>([]);
  useEffect(() => {
    void import("uqr").then(({ encode }) => setRows(encode(link, { ecc: "M", border: 3 }).data));
  }, [link]);
  const size = rows.length || 33;
  const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
