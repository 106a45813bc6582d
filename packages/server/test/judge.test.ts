/** The verdict on one segment, as a table. */
import { describe, expect, test } from "vitest";
import { judge, withSegment, type Judged, type StreamView } from "../src/ingest/judge.ts";
import { MIXED_SHAPE, PLAIN_SHAPE } from "./support/test-recording.ts";

const EMPTY: StreamView = { shape: null, highestSequence: -1, finalSequence: null, rows: new Map() };
const hash = (value: number): Uint8Array => new Uint8Array(32).fill(value);

/** Segment n has h = n + 1, prev = n, and ten frames from 10 n on. */
function segment(sequence: number, wish: Partial<Judged["header"] & Judged["descriptor"] & Judged> = {}): Judged {
  const { prev = sequence === 0 ? null : hash(sequence), final = false, shape = PLAIN_SHAPE } = wish;
  const { firstFrame = 10 * sequence, frameCount = 10 } = wish;
  const descriptor = { firstFrame, frameCount, shape };
  return { hash: wish.hash ?? hash(sequence + 1), header: { sequence, prev, final }, descriptor };
}

const viewOf = (...segments: readonly Judged[]): StreamView =>
  segments.reduce((view, one) => withSegment(view, one), EMPTY);

const CASES: readonly [string, StreamView, Judged, string][] = [
  ["first of all", EMPTY, segment(0), "new"],
  ["first of all that comes, from the middle", EMPTY, segment(7), "new"],
  ["next in the chain", viewOf(segment(0)), segment(1), "new"],
  ["far ahead", viewOf(segment(0)), segment(5), "new"],
  ["in a hole", viewOf(segment(0), segment(2)), segment(1), "new"],
  ["the same", viewOf(segment(0)), segment(0), "duplicate"],
  ["the same, with another shape", viewOf(segment(0)), segment(0, { shape: MIXED_SHAPE }), "duplicate"],
  ["another in its place", viewOf(segment(0)), segment(0, { hash: hash(99) }), "sequence"],
  ["another shape", viewOf(segment(0)), segment(1, { shape: MIXED_SHAPE }), "shape"],
  ["a prev of another", viewOf(segment(0)), segment(1, { prev: hash(77) }), "chain"],
  ["no prev where one is known", viewOf(segment(0)), segment(1, { prev: null }), "chain"],
  ["another h than its successor's prev", viewOf(segment(2)), segment(1, { hash: hash(77) }), "chain"],
  ["beyond the final one", viewOf(segment(0), segment(1, { final: true })), segment(2), "final"],
  ["final before a known one", viewOf(segment(3)), segment(1, { final: true }), "final"],
  ["final at the end", viewOf(segment(0)), segment(1, { final: true }), "new"],
  ["in a hole before the final one", viewOf(segment(4, { final: true })), segment(2), "new"],
  ["a frame into the one before", viewOf(segment(0)), segment(1, { firstFrame: 9 }), "overlap"],
  ["a frame into the one after", viewOf(segment(2)), segment(1, { frameCount: 11 }), "overlap"],
  ["a frame into a far one before", viewOf(segment(0)), segment(3, { firstFrame: 9 }), "overlap"],
  ["a frame into a far one after", viewOf(segment(9)), segment(3, { frameCount: 61 }), "overlap"],
  ["up to a far one after", viewOf(segment(9)), segment(3, { frameCount: 60 }), "new"],
  ["no frames at all", viewOf(segment(0), segment(2)), segment(1, { frameCount: 0 }), "new"],
];

describe("a segment is judged", () => {
  test.each(CASES)("%s", (_, view, judged, wanted) => {
    const verdict = judge(view, judged);
    expect(verdict.kind === "conflict" ? verdict.cause : verdict.kind).toBe(wanted);
  });

  test("by a table that has every cause and outcome", () => {
    const wanted = new Set(CASES.map(([, , , outcome]) => outcome));
    expect(wanted).toEqual(new Set(["new", "duplicate", "sequence", "shape", "chain", "final", "overlap"]));
  });
});
