/** The statements that write what became of packages: each for all packages of a call. */
import { BODY_KIND } from "@pericard/protocol";
import type { Copy } from "../../volumes/volume.ts";
import type { ItemOutcome, StoredPackage } from "../catalog.ts";
import { columnsOf, unnest } from "./columns.ts";
import type { Ask } from "./database.ts";
import { streamName, streamOf, type LockedStream } from "./streams.ts";

/** A package after it was judged. */
export interface JudgedPackage {
  readonly stored: StoredPackage;
  readonly packageKey: number;
  readonly recordingKey: number;
  readonly outcomes: readonly ItemOutcome[];
}

/** Whether an item is new. */
export const isStored = (outcome: ItemOutcome | undefined): boolean => outcome === "stored";

/** Rows of new packages. @returns their keys in the same order: an identity is drawn row by row, after the sort. */
export async function insertPackages(ask: Ask, recordingKeys: readonly number[]): Promise<readonly number[]> {
  const rows = await ask(
    "INSERT INTO packages (recording) SELECT q.recording FROM unnest($1::bigint[]) WITH ORDINALITY AS q (recording, n)" +
      " ORDER BY q.n RETURNING key",
    recordingKeys,
  );
  return rows.map((row) => Number(row["key"])).toSorted((a, b) => a - b);
}

export async function insertCopies(
  ask: Ask,
  packages: readonly { readonly packageKey: number; readonly copies: readonly Copy[] }[],
): Promise<void> {
  const rows = packages.flatMap(({ packageKey, copies }) =>
    copies.map(({ volumeId, fileNumber, offsetBytes, sizeBytes }) => {
      return [volumeId, fileNumber, offsetBytes, sizeBytes, packageKey];
    }),
  );
  if (rows.length === 0) return;
  await ask(
    `INSERT INTO copies SELECT * FROM ${unnest(["text", "bigint", "bigint", "bigint", "bigint"])}` +
      " ON CONFLICT (package, volume) DO NOTHING",
    ...columnsOf(rows, 5),
  );
}

/** Of recording, stream, sequence, hash, prev, final; first frame, frames, size; cycle, index, use, policy; received, package, item. */
const SEGMENT_TYPES =
  "bigint smallint bigint bytea bytea boolean bigint integer integer bigint smallint bigint bigint bigint bigint smallint".split(
    " ",
  );

export async function insertSegments(ask: Ask, judged: readonly JudgedPackage[]): Promise<void> {
  const rows = judged.flatMap(({ stored, packageKey, recordingKey, outcomes }) =>
    stored.items.flatMap((item, place) => {
      if (!isStored(outcomes[place])) return [];
      const { sequence, hash, prev, final, firstFrame, frameCount, sizeBytes, cycle, index, use, policyVersion } = item;
      const told = [hash, prev, final, firstFrame, frameCount, sizeBytes, cycle, index, use, policyVersion];
      return [[recordingKey, stored.stream, sequence, ...told, stored.receivedAtUnixMs, packageKey, place]];
    }),
  );
  if (rows.length === 0) return;
  await ask(`INSERT INTO segments SELECT * FROM ${unnest(SEGMENT_TYPES)}`, ...columnsOf(rows, SEGMENT_TYPES.length));
}

/** What the stored items of packages of one stream change in its row; nothing when there are none. */
function streamChange(group: readonly JudgedPackage[]): readonly (readonly unknown[])[] {
  const added = group.flatMap(({ stored: { items, receivedAtUnixMs }, outcomes }) =>
    items.flatMap((item, i) => (isStored(outcomes[i]) ? [{ ...item, receivedAtUnixMs }] : [])),
  );
  const [first] = group;
  if (!first || added.length === 0) return [];
  const { stored, recordingKey } = first;
  const received = added.map(({ receivedAtUnixMs }) => receivedAtUnixMs);
  const endFrame = Math.max(...added.map(({ firstFrame, frameCount }) => firstFrame + frameCount));
  const highest = Math.max(...added.map(({ sequence }) => sequence));
  const final = added.find((item) => item.final)?.sequence ?? null;
  const isWaveform = stored.descriptor.kind === BODY_KIND.waveform;
  const [from, to] = [Math.min(...received), Math.max(...received)];
  return [[recordingKey, stored.stream, added.length, endFrame, highest, final, from, to, isWaveform]];
}

export async function updateStreams(ask: Ask, judged: readonly JudgedPackage[]): Promise<void> {
  const groups = [...Map.groupBy(judged, ({ stored }) => streamName(stored)).values()];
  const rows = groups.flatMap(streamChange);
  if (rows.length === 0) return;
  const types = ["bigint", "smallint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "boolean"];
  await ask(
    "UPDATE streams s SET segment_count = s.segment_count + q.added, end_frame = GREATEST(s.end_frame, q.end_frame)," +
      " highest_sequence = GREATEST(s.highest_sequence, q.highest)," +
      " final_sequence = COALESCE(s.final_sequence, q.final), unsummarised = q.unsummarised," +
      " first_received_ms = LEAST(s.first_received_ms, q.first_received)," +
      ` last_received_ms = GREATEST(s.last_received_ms, q.last_received) FROM ${unnest(types)}` +
      " AS q (recording, stream, added, end_frame, highest, final, first_received, last_received, unsummarised)" +
      " WHERE s.recording = q.recording AND s.stream = q.stream",
    ...columnsOf(rows, types.length),
  );
}

/** What a later package knows better of its recording: the one before it, and that it came earlier. */
export async function updateRecordings(
  ask: Ask,
  locked: ReadonlyMap<string, LockedStream>,
  packages: readonly StoredPackage[],
): Promise<void> {
  const rows = packages.flatMap((stored) => {
    const { recordingKey, hasPredecessor, firstReceivedUnixMs } = streamOf(locked, stored);
    const { predecessor } = stored.descriptor;
    const isNews = (predecessor && !hasPredecessor) || stored.receivedAtUnixMs < firstReceivedUnixMs;
    const row = [recordingKey, predecessor?.recording ?? null, predecessor?.cause ?? null, stored.receivedAtUnixMs];
    return isNews ? [row] : [];
  });
  if (rows.length === 0) return;
  await ask(
    "UPDATE recordings r SET predecessor = COALESCE(r.predecessor, q.predecessor)," +
      " predecessor_cause = COALESCE(r.predecessor_cause, q.cause)," +
      " first_received_ms = LEAST(r.first_received_ms, q.received) FROM (SELECT key, MAX(predecessor) AS predecessor," +
      ` MAX(cause) AS cause, MIN(received) AS received FROM ${unnest(["bigint", "text", "text", "bigint"])}` +
      " AS u (key, predecessor, cause, received) GROUP BY key) q WHERE r.key = q.key",
    ...columnsOf(rows, 4),
  );
}
