/** Keys of the recording view. */

/** What a key asks for. `part` is a share of the window; positive is later. */
export type KeyMove =
  | { readonly kind: "pan"; readonly part: number }
  | { readonly kind: "seconds"; readonly seconds: number }
  | { readonly kind: "end"; readonly end: "start" | "end" }
  | { readonly kind: "zoom"; readonly direction: 1 | -1 }
  | { readonly kind: "rows"; readonly rows: number }
  | { readonly kind: "follow" };

const MOVES: ReadonlyMap<string, KeyMove> = new Map<string, KeyMove>([
  ["ArrowLeft", { kind: "pan", part: -0.1 }],
  ["ArrowRight", { kind: "pan", part: 0.1 }],
  ["Shift+ArrowLeft", { kind: "seconds", seconds: -0.2 }],
  ["Shift+ArrowRight", { kind: "seconds", seconds: 0.2 }],
  ["ArrowUp", { kind: "rows", rows: -1 }],
  ["ArrowDown", { kind: "rows", rows: 1 }],
  ["PageUp", { kind: "pan", part: -0.9 }],
  ["PageDown", { kind: "pan", part: 0.9 }],
  ["Home", { kind: "end", end: "start" }],
  ["End", { kind: "end", end: "end" }],
  ["+", { kind: "zoom", direction: 1 }],
  ["=", { kind: "zoom", direction: 1 }],
  ["-", { kind: "zoom", direction: -1 }],
  ["l", { kind: "follow" }],
]);

/** Keys and their meaning for the help panel. */
export const KEY_HELP: readonly (readonly [keys: string, meaning: string])[] = [
  ["Drag, wheel", "move through time"],
  ["\u2190 \u2192", "a tenth of the window"],
  ["Shift + \u2190 \u2192", "one large box (0.2 s)"],
  ["Page Up, Page Down", "nearly a window"],
  ["Home, End", "first or last sample"],
  ["+ \u2212, Ctrl + wheel", "paper speed"],
  ["\u2191 \u2193, Shift + wheel", "rows"],
  ["L", "follow live"],
];

/** Meaning of a key press, or undefined when it is not ours. */
export function moveOfKey(key: string, shiftKey: boolean): KeyMove | undefined {
  const plain = key.length === 1 ? key.toLowerCase() : key;
  return (shiftKey ? MOVES.get(`Shift+${plain}`) : undefined) ?? MOVES.get(plain);
}
