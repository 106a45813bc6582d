/** Cuts what a terminal asked for into pages. Source: docs/format.md §7.10. */
import {
  RETURNED_ITEMS_MAX,
  type FetchPlace,
  type FetchWanted,
  type ReturnedList,
  type ReturnedPage,
  type ReturnedSegment,
  type StreamName,
} from "@pericard/protocol";
import type { Catalog, RecordingRow, SegmentPlacement } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import { packageOf, type SegmentReader } from "../retrieval/segment-reader.ts";

/** Contents of segments in one page, in bytes: what stands around 64 of them fits into the rest of a page. */
const PAGE_DATA_BYTES = 480 * 1024;

export interface PageParts {
  readonly catalog: Catalog;
  readonly reader: SegmentReader;
}

/** The streams after one of them. @throws {ServerError} ERR_NOT_FOUND when that one is not among them. */
export function listPage(rows: readonly RecordingRow[], after: StreamName | null): ReturnedList {
  const all = rows.flatMap(({ id, streams }) =>
    streams.map(({ stream, firstReceivedUnixMs, segmentCount, highestSequence }) => ({
      recording: id,
      stream,
      firstReceivedAtUnixMs: firstReceivedUnixMs,
      segmentCount,
      highestSequence: Math.max(0, highestSequence),
    })),
  );
  const last = after ? all.findIndex((one) => one.recording === after.recording && one.stream === after.stream) : -1;
  if (after && last < 0) throw new ServerError("ERR_NOT_FOUND", "there is no such stream to go on after");
  const streams = all.slice(last + 1, last + 1 + RETURNED_ITEMS_MAX);
  return { kind: "list", streams, more: last + 1 + streams.length < all.length };
}

/**
 * The page of a stream from a place on.
 *
 * @throws {ServerError} ERR_NOT_FOUND when the page would begin within a segment that is not there, ERR_DATA_UNREADABLE.
 */
export async function streamPage(
  parts: PageParts,
  row: RecordingRow,
  { name, from }: Extract<FetchWanted, { readonly kind: "page" }>,
): Promise<ReturnedPage> {
  const placements = await parts.catalog.findPlacementsFrom(
    row.key,
    name.stream,
    from.sequence,
    RETURNED_ITEMS_MAX + 1,
  );
  if (from.offsetBytes > 0 && placements[0]?.sequence !== from.sequence) {
    throw new ServerError("ERR_NOT_FOUND", "there is no such segment to go on within");
  }
  const segments: ReturnedSegment[] = [];
  let leftBytes = PAGE_DATA_BYTES;
  for (const group of packageRuns(placements.slice(0, RETURNED_ITEMS_MAX))) {
    const bodies = await parts.reader.readBodies(name.recording, group);
    for (const [i, placement] of group.entries()) {
      const { sequence } = placement;
      if (leftBytes === 0) return { kind: "page", name, from, next: { sequence, offsetBytes: 0 }, segments };
      const segment = partOf(placement, bodies[i] as Uint8Array, segments.length === 0 ? from : null, leftBytes);
      segments.push(segment);
      leftBytes -= segment.data.length;
      const endBytes = segment.offsetBytes + segment.data.length;
      if (endBytes < segment.sizeBytes) {
        return { kind: "page", name, from, next: { sequence, offsetBytes: endBytes }, segments };
      }
    }
  }
  const following = placements[segments.length];
  const next = following ? { sequence: following.sequence, offsetBytes: 0 } : null;
  return { kind: "page", name, from, next, segments };
}

/** A segment from where the page begins, if it begins there, and as much of it as there is room for. */
function partOf(
  { sequence, hash, prev, final }: SegmentPlacement,
  body: Uint8Array,
  from: FetchPlace | null,
  roomBytes: number,
): ReturnedSegment {
  const offsetBytes = from?.sequence === sequence ? from.offsetBytes : 0;
  if (offsetBytes >= body.length) throw new ServerError("ERR_NOT_FOUND", "segment is not that long");
  const data = body.subarray(offsetBytes, offsetBytes + roomBytes);
  return { sequence, offsetBytes, hash, prev, final, sizeBytes: body.length, data };
}

/** Placements one after the other that lie in one package, which is read once for them. */
function packageRuns(placements: readonly SegmentPlacement[]): readonly (readonly SegmentPlacement[])[] {
  const runs: SegmentPlacement[][] = [];
  for (const placement of placements) {
    const run = runs.at(-1);
    if (run?.[0] && packageOf(run[0]) === packageOf(placement)) run.push(placement);
    else runs.push([placement]);
  }
  return runs;
}
