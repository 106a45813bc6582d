/** The recording view's keys, from anywhere on the page except where a key has a meaning of its own. */
import { useEffect, useRef } from "react";
import { moveOfKey } from "../paper/keys.ts";
import type { KeyMove } from "../paper/keys.ts";

/** Calls `onMove` for each of our keys. */
export function useKeys(onMove: (move: KeyMove) => void): void {
  const latest = useRef(onMove);
  useEffect(() => {
    latest.current = onMove;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || ownsKeys(event.target)) return;
      const move = moveOfKey(event.key, event.shiftKey);
      if (move === undefined) return;
      event.preventDefault();
      latest.current(move);
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
}

function ownsKeys(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, select, textarea, dialog, [contenteditable]") !== null;
}
