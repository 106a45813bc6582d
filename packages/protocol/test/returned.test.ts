/** Returned pages: a page is whole when it is read, whatever a server cuts. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeReturnedContent,
  encodeReturnedContent,
  FetchBack,
  RETURNED_CONTENT_BYTES_MAX,
  type FetchPlace,
  type FetchWanted,
  type ReturnedList,
  type ReturnedPage,
  type ReturnedSegment,
} from "@pericard/protocol";
import * as some from "./support/arbitraries.ts";
import { expectCode } from "./support/expect-code.ts";

const name = fc.record({ recording: some.recording, stream: some.stream });
const place = fc.record({ sequence: some.uint32, offsetBytes: fc.nat(2 ** 24) });
const wanted: fc.Arbitrary<FetchWanted> = fc.oneof(
  fc.record({ kind: fc.constant("list" as const), after: fc.option(name) }),
  fc.record({ kind: fc.constant("page" as const), name, from: place }),
);

const bodies = fc.uniqueArray(
  fc.record({
    sequence: fc.nat(300),
    hash: some.hash,
    prev: fc.option(some.hash),
    final: fc.boolean(),
    data: fc.uint8Array({ minLength: 1, maxLength: 400 }),
  }),
  { selector: ({ sequence }) => sequence, maxLength: 40 },
);
type Body = typeof bodies extends fc.Arbitrary<readonly (infer T)[]> ? T : never;

/** Pages as a server cuts them: at most `roomBytes` of data each. */
function cut(stream: readonly Body[], roomBytes: number): readonly ReturnedPage[] {
  const pages: ReturnedPage[] = [];
  let from: FetchPlace | null = { sequence: 0, offsetBytes: 0 };
  while (from) {
    const page = cutOne(stream, from, roomBytes);
    pages.push(page);
    from = page.next;
  }
  return pages;
}

const NAME = { recording: fc.sample(some.recording, { numRuns: 1, seed: 1 })[0] as never, stream: 3 };

function cutOne(stream: readonly Body[], from: FetchPlace, roomBytes: number): ReturnedPage {
  const segments: ReturnedSegment[] = [];
  let leftBytes = roomBytes;
  const rest = stream.filter(({ sequence }) => sequence >= from.sequence);
  const asPage = (next: FetchPlace | null): ReturnedPage => ({ kind: "page", name: NAME, from, next, segments });
  for (const { sequence, hash, prev, final, data } of rest) {
    if (leftBytes === 0 || segments.length === 64) return asPage({ sequence, offsetBytes: 0 });
    const offsetBytes = sequence === from.sequence ? from.offsetBytes : 0;
    const part = data.subarray(offsetBytes, offsetBytes + leftBytes);
    segments.push({ sequence, offsetBytes, hash, prev, final, sizeBytes: data.length, data: part });
    leftBytes -= part.length;
    const endBytes = offsetBytes + part.length;
    if (endBytes < data.length) return asPage({ sequence, offsetBytes: endBytes });
  }
  return asPage(null);
}

function bodyAt(sequence: number): Body {
  return { sequence, hash: new Uint8Array(32), prev: null, final: false, data: new Uint8Array(10).fill(1) };
}

describe("a request", () => {
  it("says what was written", () => {
    const asked = fc.option(fc.record({ challenge: fc.uint8Array({ maxLength: 1024 }), wanted }));
    const fetchBack = fc.record({
      routing: some.routing,
      contact: some.unixMs,
      cycle: some.uint32,
      index: some.keyIndex,
      asked,
    });
    fc.assert(
      fc.property(fetchBack, (request) => {
        expect(FetchBack.decode(FetchBack.encode(request))).toEqual(request);
      }),
    );
  });
});

describe("returned pages", () => {
  it("give every byte back, in whatever sizes they are cut", () => {
    fc.assert(
      fc.property(bodies, fc.integer({ min: 1, max: 900 }), (unsorted, roomBytes) => {
        const stream = unsorted.toSorted((a, b) => a.sequence - b.sequence);
        const pages = cut(stream, roomBytes).map((page) => {
          const read = decodeReturnedContent(encodeReturnedContent(page));
          expect(read).toEqual(page);
          return read as ReturnedPage;
        });
        const data = pages.flatMap(({ segments }) => segments).flatMap((segment) => [...segment.data]);
        expect(data).toEqual(stream.flatMap((segment) => [...segment.data]));
      }),
    );
  });

  it("are refused when a segment is taken out of their beginning, or put elsewhere", () => {
    const [, page] = cut([bodyAt(0), bodyAt(1), bodyAt(2)], 15) as readonly [ReturnedPage, ReturnedPage];
    expect(page.segments.map(({ sequence, offsetBytes }) => [sequence, offsetBytes])).toEqual([
      [1, 5],
      [2, 0],
    ]);
    const [first, second] = page.segments as readonly [ReturnedSegment, ReturnedSegment];
    for (const segments of [
      [second, first],
      [first, first],
      [{ ...first, offsetBytes: 4 }, second],
      [{ ...first, offsetBytes: 6 }],
    ]) {
      expectCode(() => encodeReturnedContent({ ...page, segments }), "ERR_FIELD_RANGE");
    }
  });

  it("over 512 KiB are neither written nor read", () => {
    const data = new Uint8Array(RETURNED_CONTENT_BYTES_MAX);
    const [page] = cut([{ sequence: 0, hash: new Uint8Array(32), prev: null, final: true, data }], data.length);
    expectCode(() => encodeReturnedContent(page as ReturnedPage), "ERR_LENGTH_LIMIT");
    expectCode(() => decodeReturnedContent(new Uint8Array(RETURNED_CONTENT_BYTES_MAX + 256)), "ERR_LENGTH_LIMIT");
  });
});

describe("a list of streams", () => {
  it("says what was written", () => {
    const streams = fc.array(
      fc.record({
        recording: some.recording,
        stream: some.stream,
        firstReceivedAtUnixMs: some.unixMs,
        segmentCount: some.uint32,
        highestSequence: some.uint32,
      }),
      { maxLength: 64 },
    );
    const list: fc.Arbitrary<ReturnedList> = fc.record({
      kind: fc.constant("list" as const),
      streams,
      more: fc.boolean(),
    });
    fc.assert(
      fc.property(list, (one) => {
        expect(decodeReturnedContent(encodeReturnedContent(one))).toEqual(one);
      }),
    );
  });
});
