import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Shown } from "../../call/tile-size.ts";

export type Draw = (name: string, shown: Shown | null) => void;

/** Tells how large an element with a picture stands on the page, in the screen's own pixels, as long as it does. */
export function useShown<Kind extends HTMLElement>(name: string, seen: boolean, draw: Draw): RefObject<Kind> {
  const element = useRef<Kind>(null);
  useLayoutEffect(() => {
    const place = element.current;
    if (!place || !seen) return undefined;
    const observer = new ResizeObserver(() => {
      const { width, height } = place.getBoundingClientRect();
      draw(name, { width: width * devicePixelRatio, height: height * devicePixelRatio });
    });
    observer.observe(place);
    return () => {
      observer.disconnect();
      draw(name, null);
    };
  }, [name, seen]);
  return element;
}
