/** A section with a shared screen (RFC 4796). Browsers can't be told so, hence it is written into the offer's text. */
const SLIDES = "a=content:slides";

/** The offer as it is sent: the sections at these places carry a screen. */
export function markSlides(sdp: string, sections: ReadonlySet<number>): string {
  const [head = "", ...parts] = sdp.split(/^(?=m=)/m);
  return head + parts.map((part, index) => (sections.has(index) ? withMark(part) : part)).join("");
}

function withMark(section: string): string {
  return section.replace(/^a=mid:.*$(\r?\n)/m, (line, end: string) => `${line}${SLIDES}${end}`);
}
