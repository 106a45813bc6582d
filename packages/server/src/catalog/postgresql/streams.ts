/** The streams that packages belong to: found and locked, or made. */
import type { StoredPackage, StreamRow } from "../catalog.ts";
import { shapeText, viewOf, type StreamView } from "../judge.ts";
import { chainOf, segmentRow, startColumns, streamRow, type SqlRow } from "../rows.ts";
import { columnsOf, unnest } from "./columns.ts";
import type { Ask } from "./database.ts";

/** A stream that this transaction has to itself. */
export interface LockedStream {
  readonly recordingKey: number;
  readonly row: StreamRow;
  /** What the recording lacks or has too late, to be set by the first package that knows better. */
  readonly hasPredecessor: boolean;
  readonly firstReceivedUnixMs: number;
}

/** Name of a package's stream. */
export const streamName = ({ recording, stream }: Pick<StoredPackage, "recording" | "stream">): string =>
  `${recording}/${stream}`;

/**
 * Locks the streams of packages, in one order for everybody, so that nobody waits in a circle.
 *
 * @returns undefined when some of them do not exist.
 */
export async function lockStreams(
  ask: Ask,
  packages: readonly StoredPackage[],
): Promise<ReadonlyMap<string, LockedStream> | undefined> {
  const names = new Map(packages.map((stored) => [streamName(stored), [stored.recording, stored.stream]]));
  const rows = await ask(
    "SELECT r.id, r.predecessor IS NOT NULL AS has_predecessor, r.first_received_ms AS recording_received_ms, s.*" +
      ` FROM ${unnest(["text", "smallint"])} AS q (id, stream) JOIN recordings r ON r.id = q.id` +
      " JOIN streams s ON s.recording = r.key AND s.stream = q.stream" +
      " ORDER BY s.recording, s.stream FOR NO KEY UPDATE OF s",
    ...columnsOf([...names.values()], 2),
  );
  if (rows.length < names.size) return undefined;
  return new Map(rows.map((row) => [`${String(row["id"])}/${String(row["stream"])}`, lockedStream(row)]));
}

/** The stream of a package, which must be locked. */
export function streamOf(locked: ReadonlyMap<string, LockedStream>, stored: StoredPackage): LockedStream {
  const stream = locked.get(streamName(stored));
  if (!stream) throw new RangeError("stream is not locked");
  return stream;
}

function lockedStream(row: SqlRow): LockedStream {
  return {
    recordingKey: Number(row["recording"]),
    row: streamRow(row),
    hasPredecessor: row["has_predecessor"] === true,
    firstReceivedUnixMs: Number(row["recording_received_ms"]),
  };
}

const RECORDING_TYPES = ["text", "text", "text", "text", "text", "text", "bigint"];
const STREAM_TYPES = ["text", "smallint", "smallint", "text", "text", "bigint", "bigint", "integer", "bigint"];

/** Makes what is absent of the recordings and streams of packages. The first package of each says what it is. */
export async function insertStreams(ask: Ask, packages: readonly StoredPackage[]): Promise<void> {
  const firstOf = <T>(nameOf: (stored: StoredPackage) => T): readonly StoredPackage[] =>
    [...Map.groupBy(packages, nameOf).values()].flatMap(([first]) => (first ? [first] : []));
  const recordings = firstOf(({ recording }) => recording).map((stored) => {
    const { tenant, terminal, patient, receivedAtUnixMs } = stored;
    const { recording, cause } = stored.descriptor.predecessor ?? { recording: null, cause: null };
    return [stored.recording, tenant, terminal, patient, recording, cause, receivedAtUnixMs];
  });
  await ask(
    "INSERT INTO recordings (id, tenant, terminal, patient, predecessor, predecessor_cause, first_received_ms)" +
      ` SELECT * FROM ${unnest(RECORDING_TYPES)} AS q (id) ORDER BY id ON CONFLICT (id) DO NOTHING`,
    ...columnsOf(recordings, RECORDING_TYPES.length),
  );
  const streams = firstOf(streamName).map((stored) => {
    const { recording, stream, descriptor, receivedAtUnixMs } = stored;
    const { bootId, bootMonotonicMs, claimedMs, claimedZone } = startColumns(descriptor);
    const facts = [recording, stream, descriptor.kind, shapeText(descriptor)];
    return [...facts, bootId, bootMonotonicMs, claimedMs, claimedZone, receivedAtUnixMs];
  });
  await ask(
    "INSERT INTO streams (recording, stream, kind, shape, boot_id, boot_monotonic_ms, claimed_ms, claimed_zone," +
      " first_received_ms, last_received_ms) SELECT r.key, q.stream, q.kind, q.shape, q.boot_id, q.boot_ms, q.claimed_ms," +
      ` q.claimed_zone, q.received, q.received FROM ${unnest(STREAM_TYPES)}` +
      " AS q (id, stream, kind, shape, boot_id, boot_ms, claimed_ms, claimed_zone, received)" +
      " JOIN recordings r ON r.id = q.id ORDER BY r.key, q.stream ON CONFLICT (recording, stream) DO NOTHING",
    ...columnsOf(streams, STREAM_TYPES.length),
  );
}

/** A segment's neighbours and itself, or those of several segments. */
const AROUND =
  "CROSS JOIN LATERAL ((SELECT * FROM segments g WHERE g.recording = q.recording AND g.stream = q.stream" +
  " AND g.sequence BETWEEN q.first AND q.last) UNION ALL" +
  " (SELECT * FROM segments g WHERE g.recording = q.recording AND g.stream = q.stream" +
  " AND g.sequence < q.first ORDER BY g.sequence DESC LIMIT 1) UNION ALL" +
  " (SELECT * FROM segments g WHERE g.recording = q.recording AND g.stream = q.stream" +
  " AND g.sequence > q.last ORDER BY g.sequence LIMIT 1)) s";

/** Sequences of a stream. */
export interface Places {
  readonly recordingKey: number;
  readonly stream: number;
  readonly fromSequence: number;
  readonly toSequence: number;
}

/** Segments between the sequences and the nearest on each side, with `recording` and `stream` of each; some may come twice. */
export async function findAround(ask: Ask, places: readonly Places[]): Promise<readonly SqlRow[]> {
  const rows = places.map(({ recordingKey, stream, fromSequence, toSequence }) => {
    return [recordingKey, stream, fromSequence, toSequence];
  });
  return ask(
    "SELECT s.recording, s.stream, s.sequence, s.hash, s.prev, s.final, s.first_frame, s.frame_count" +
      ` FROM ${unnest(["bigint", "smallint", "bigint", "bigint"])} AS q (recording, stream, first, last) ${AROUND}` +
      " ORDER BY s.sequence",
    ...columnsOf(rows, 4),
  );
}

/** What is known of locked streams around the segments of packages. */
export async function findViews(
  ask: Ask,
  locked: ReadonlyMap<string, LockedStream>,
  packages: readonly StoredPackage[],
): Promise<Map<string, StreamView>> {
  const places = packages.flatMap((stored) => {
    const stream = locked.get(streamName(stored));
    // Of a stream that is new nothing is stored.
    if (!stream || stream.row.segmentCount === 0) return [];
    const sequences = stored.items.map(({ sequence }) => sequence);
    const [fromSequence, toSequence] = [Math.min(...sequences), Math.max(...sequences)];
    return [{ recordingKey: stream.recordingKey, stream: stored.stream, fromSequence, toSequence }];
  });
  const found = places.length > 0 ? await findAround(ask, places) : [];
  const rowsOf = Map.groupBy(found, (row) => `${String(row["recording"])}/${String(row["stream"])}`);
  const views = new Map<string, StreamView>();
  for (const [name, { recordingKey, row }] of locked) {
    const rows = rowsOf.get(`${recordingKey}/${row.stream}`) ?? [];
    views.set(
      name,
      viewOf(
        chainOf(
          row,
          rows.map((segment) => segmentRow(segment)),
        ),
      ),
    );
  }
  return views;
}
