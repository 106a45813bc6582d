/** Mouse, touch and wheel on the paper. */
import { useEffect, useRef } from "react";
import type { PointerEvent, RefObject } from "react";
import { panOfWheel } from "../paper/wheel.ts";

/** What the gestures ask for. Distances in CSS px, positive towards later times and lower rows. */
export interface PanHandlers {
  readonly onPan: (dxPx: number) => void;
  /** @param anchorPx x of the pointer from the paper's left edge. */
  readonly onZoom: (direction: 1 | -1, anchorPx: number) => void;
}

/** Listeners for the paper's pane. */
export interface PanListeners {
  readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerUp: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerCancel: (event: PointerEvent<HTMLElement>) => void;
}

/** Drag moves the paper; on touch the browser keeps vertical moves for scrolling the rows. */
export function usePan(pane: RefObject<HTMLElement | null>, handlers: PanHandlers): PanListeners {
  const drag = useRef<{ x: number; y: number } | undefined>(undefined);
  const latest = useLatest(handlers);
  useWheel(pane, latest);
  const end = (event: PointerEvent<HTMLElement>): void => {
    drag.current = undefined;
    delete event.currentTarget.dataset["dragging"];
  };
  return {
    onPointerDown: (event) => {
      if (event.button !== 0 || isOnScrollBar(event)) return;
      drag.current = { x: event.clientX, y: event.clientY };
      event.currentTarget.setPointerCapture(event.pointerId);
      event.currentTarget.dataset["dragging"] = "true";
    },
    onPointerMove: (event) => {
      const before = drag.current;
      if (before === undefined) return;
      drag.current = { x: event.clientX, y: event.clientY };
      if (event.clientX !== before.x) latest.current.onPan(before.x - event.clientX);
      if (event.pointerType === "mouse") event.currentTarget.scrollTop += before.y - event.clientY;
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
}

/** React's wheel listeners are passive; this one must keep the page from scrolling and zooming. */
function useWheel(pane: RefObject<HTMLElement | null>, latest: RefObject<PanHandlers>): void {
  useEffect(() => {
    const element = pane.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      const move = panOfWheel(event, element.clientWidth, element.clientHeight);
      event.preventDefault();
      if (move.kind === "pan") latest.current.onPan(move.dxPx);
      else if (move.kind === "rows") element.scrollTop += move.dyPx;
      else if (move.kind === "zoom")
        latest.current.onZoom(move.direction, event.clientX - element.getBoundingClientRect().left);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [pane, latest]);
}

function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}

function isOnScrollBar(event: PointerEvent<HTMLElement>): boolean {
  const { left } = event.currentTarget.getBoundingClientRect();
  return event.clientX - left >= event.currentTarget.clientWidth;
}
