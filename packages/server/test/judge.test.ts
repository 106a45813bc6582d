/** The verdict on one segment, as a table. */
import { describe, expect, test } from "vitest";
import type { SegmentRow } from "../src/catalog/catalog.ts";
import { judge, judgePlace, viewOf, withSegment, type StreamView } from "../src/catalog/judge.ts";

const EMPTY = viewOf(null);
const hash = (value: number): Uint8Array => new Uint8Array(32).fill(value);

interface Judged extends SegmentRow {
  readonly shape: string;
}

/** Segment n has h = n + 1, prev = n, and ten frames from 10 n on. */
function segment(sequence: number, wish: Partial<Judged> = {}): Judged {
  const prev = sequence === 0 ? null : hash(sequence);
  const place = { sequence, firstFrame: 10 * sequence, frameCount: 10 };
  return { ...place, hash: hash(sequence + 1), prev, final: false, shape: "plain", ...wish };
}

const viewAfter = (...segments: readonly Judged[]): StreamView =>
  segments.reduce((view, one) => withSegment(view, one, one.shape), EMPTY);

const CASES: readonly [string, StreamView, Judged, string][] = [
  ["first of all", EMPTY, segment(0), "new"],
  ["first of all that comes, from the middle", EMPTY, segment(7), "new"],
  ["next in the chain", viewAfter(segment(0)), segment(1), "new"],
  ["far ahead", viewAfter(segment(0)), segment(5), "new"],
  ["in a hole", viewAfter(segment(0), segment(2)), segment(1), "new"],
  ["the same", viewAfter(segment(0)), segment(0), "duplicate"],
  ["the same, with another shape", viewAfter(segment(0)), segment(0, { shape: "mixed" }), "duplicate"],
  ["another in its place", viewAfter(segment(0)), segment(0, { hash: hash(99) }), "sequence"],
  ["another shape", viewAfter(segment(0)), segment(1, { shape: "mixed" }), "shape"],
  ["a prev of another", viewAfter(segment(0)), segment(1, { prev: hash(77) }), "chain"],
  ["no prev where one is known", viewAfter(segment(0)), segment(1, { prev: null }), "chain"],
  ["another h than its successor's prev", viewAfter(segment(2)), segment(1, { hash: hash(77) }), "chain"],
  ["beyond the final one", viewAfter(segment(0), segment(1, { final: true })), segment(2), "final"],
  ["final before a known one", viewAfter(segment(3)), segment(1, { final: true }), "final"],
  ["final at the end", viewAfter(segment(0)), segment(1, { final: true }), "new"],
  ["in a hole before the final one", viewAfter(segment(4, { final: true })), segment(2), "new"],
  ["a frame into the one before", viewAfter(segment(0)), segment(1, { firstFrame: 9 }), "overlap"],
  ["a frame into the one after", viewAfter(segment(2)), segment(1, { frameCount: 11 }), "overlap"],
  ["a frame into a far one before", viewAfter(segment(0)), segment(3, { firstFrame: 9 }), "overlap"],
  ["a frame into a far one after", viewAfter(segment(9)), segment(3, { frameCount: 61 }), "overlap"],
  ["up to a far one after", viewAfter(segment(9)), segment(3, { frameCount: 60 }), "new"],
  ["no frames at all", viewAfter(segment(0), segment(2)), segment(1, { frameCount: 0 }), "new"],
];

describe("a segment is judged", () => {
  test.each(CASES)("%s", (_, view, judged, wanted) => {
    const verdict = judge(view, judged, judged.shape);
    expect(verdict.kind === "conflict" ? verdict.cause : verdict.kind).toBe(wanted);
  });

  test("by its place alone, where that is asked for", () => {
    const view = viewAfter(segment(0), segment(1, { final: true }));
    expect(judgePlace(view, segment(1))).toEqual({ kind: "duplicate" });
    expect(judgePlace(view, segment(1, { hash: hash(99) }))).toEqual({ kind: "conflict", cause: "sequence" });
    expect(judgePlace(view, segment(2, { prev: null, firstFrame: 0 }))).toEqual({ kind: "new" });
  });

  test("by a table that has every cause and outcome", () => {
    const wanted = new Set(CASES.map(([, , , outcome]) => outcome));
    expect(wanted).toEqual(new Set(["new", "duplicate", "sequence", "shape", "chain", "final", "overlap"]));
  });
});
