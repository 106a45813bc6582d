/** What the screen offers: an element's size, its pixel ratio, and whether this is a print. */
import { useEffect, useState, useSyncExternalStore } from "react";
import type { RefObject } from "react";
import { flushSync } from "react-dom";

/** Size of an element's content without its scroll bars, CSS px. */
export interface ElementSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Follows an element's size; zero until it is known. */
export function useElementSize(ref: RefObject<HTMLElement | null>): ElementSize {
  const [size, setSize] = useState<ElementSize>({ widthPx: 0, heightPx: 0 });
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const measure = (): void => {
      const next = { widthPx: element.clientWidth, heightPx: element.clientHeight };
      setSize((size) => (size.widthPx === next.widthPx && size.heightPx === next.heightPx ? size : next));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [ref]);
  return size;
}

/** Device pixels per CSS px; changes with browser zoom and when a window moves to another screen. */
export function useDevicePixelRatio(): number {
  return useSyncExternalStore(subscribeToResize, () => devicePixelRatio);
}

/** True from just before the page is printed until after. The page is redrawn before the printer sees it. */
export function usePrinting(): boolean {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const begin = (): void => flushSync(() => setPrinting(true));
    const end = (): void => setPrinting(false);
    addEventListener("beforeprint", begin);
    addEventListener("afterprint", end);
    return () => {
      removeEventListener("beforeprint", begin);
      removeEventListener("afterprint", end);
    };
  }, []);
  return printing;
}

function subscribeToResize(listener: () => void): () => void {
  addEventListener("resize", listener);
  return () => removeEventListener("resize", listener);
}
