/** Colours and fonts of the paper. The style sheets have the rest. */
export const PALETTE = {
  paper: "#fffafa",
  gridFine: "#f8dcdc",
  gridBold: "#eeb4b4",
  trace: "#14171a",
  ink: "#1b1f24",
  inkMuted: "#59636e",
  outside: "#e9ebee",
  bound: "#59636e",
  hatchGround: "rgba(244, 245, 247, 0.94)",
  hatchLine: "#aab2bc",
  gapEdge: "#7a848f",
  chip: "rgba(255, 255, 255, 0.92)",
  loading: "rgba(89, 99, 110, 0.08)",
  failed: "rgba(164, 38, 44, 0.10)",
  failedInk: "#a4262c",
  accent: "#0b5cad",
  window: "rgba(11, 92, 173, 0.12)",
  trendGround: "#ffffff",
  trendGrid: "#e8ebef",
  trendGridBold: "#c3cad2",
  trendRange: "#9cbfe2",
} as const;

/** System font at a size in CSS px. */
export function font(sizePx: number, weight: 400 | 600 = 400): string {
  return `${weight} ${sizePx}px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif`;
}
