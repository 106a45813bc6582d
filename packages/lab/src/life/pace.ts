/** How fast a terminal records. Pure. */

export const HOUR_MS = 3600 * 1000;
export const DAY_MS = 24 * HOUR_MS;

/** Length of the segments, and the hours of the day (UTC, the second excluded) in which they are recorded. */
export interface Pace {
  readonly segmentMs: number;
  readonly hours: readonly [number, number];
}

/** What a terminal does in its life, as shares of it: the name is what a picture says. */
export const PHASES: readonly { readonly share: number; readonly name: string; readonly pace: Pace }[] = [
  { share: 0.25, name: "10 s segments, all day", pace: { segmentMs: 10_000, hours: [0, 24] } },
  { share: 0.04, name: "2 s", pace: { segmentMs: 2000, hours: [0, 24] } },
  { share: 0.26, name: "10 s", pace: { segmentMs: 10_000, hours: [0, 24] } },
  { share: 0.13, name: "an hour a day", pace: { segmentMs: 10_000, hours: [8, 9] } },
  { share: 0.12, name: "10 s", pace: { segmentMs: 10_000, hours: [0, 24] } },
  { share: 0.04, name: "5 s", pace: { segmentMs: 5000, hours: [0, 24] } },
  { share: 0.16, name: "10 s", pace: { segmentMs: 10_000, hours: [0, 24] } },
];

/** When the next segment is sealed after one, or after a start, at a time since midnight of some day. */
export function segmentAfter({ segmentMs, hours: [first, end] }: Pace, atMs: number): number {
  const next = atMs + segmentMs;
  if (end - first === 24) return next;
  const ofDay = next % DAY_MS;
  if (ofDay < first * HOUR_MS) return next - ofDay + first * HOUR_MS;
  return ofDay < end * HOUR_MS ? next : next - ofDay + DAY_MS + first * HOUR_MS;
}
