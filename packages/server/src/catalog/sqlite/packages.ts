/** Rows of durable packages: recordings, streams, packages, copies, segments. */
import { BODY_KIND, type PackageItem } from "@pericard/protocol";
import type { Copy } from "../../volumes/volume.ts";
import type { CatalogMethods, ItemOutcome, RebuiltPackage, StoredPackage } from "../catalog.ts";
import { judge, judgePlace, shapeText, viewOf, withSegment, type Verdict } from "../judge.ts";
import { startColumns } from "../rows.ts";
import { isErased } from "./erasures.ts";
import { noteUses } from "./key-uses.ts";
import { readChain } from "./segments.ts";
import type { SqlContext } from "./sql-context.ts";

type PackageMethods = Pick<CatalogMethods, "storePackages" | "rebuildPackages" | "endRebuild">;

export function packageMethods(context: SqlContext): PackageMethods {
  const { sql, transact } = context;
  return {
    storePackages: (packages) =>
      transact(() =>
        packages.map((stored) =>
          isErased(context, stored.recording)
            ? stored.items.map(() => "erased" as const)
            : storePackage(context, stored, judge).outcomes,
        ),
      ),
    rebuildPackages: (packages) =>
      transact(() => {
        sql("CREATE TABLE IF NOT EXISTS rebuilt (commitment BLOB PRIMARY KEY, package INTEGER) WITHOUT ROWID").run();
        for (const stored of packages) rebuildPackage(context, stored);
      }),
    endRebuild: () => void sql("DROP TABLE IF EXISTS rebuilt").run(),
  };
}

function rebuildPackage(context: SqlContext, stored: RebuiltPackage): void {
  const { sql } = context;
  const known = sql("SELECT package FROM rebuilt WHERE commitment = ?").get(stored.commitment);
  if (known) return storeCopies(context, Number(known["package"]), stored.copies);
  // What contradicts the chain stays too: of two such segments either may be the one that was receipted.
  const { packageKey } = storePackage(context, stored, judgePlace);
  sql("INSERT INTO rebuilt VALUES (?, ?)").run(stored.commitment, packageKey);
  return undefined;
}

function storePackage(context: SqlContext, stored: StoredPackage, rule: typeof judge) {
  const shape = shapeText(stored.descriptor);
  const recordingKey = obtainRecording(context, stored);
  const packageKey = insertPackage(context, recordingKey, stored.copies);
  const sequences = stored.items.map(({ sequence }) => sequence);
  let view = viewOf(
    readChain(context, recordingKey, stored.stream, Math.min(...sequences), Math.max(...sequences)) ??
      insertStream(context, recordingKey, stored, shape),
  );
  const outcomes = stored.items.map((item, place) => {
    const verdict = rule(view, item, shape);
    if (verdict.kind === "new") {
      insertSegment(context, recordingKey, stored, item, packageKey, place);
      view = withSegment(view, item, shape);
    }
    return outcomeOf(verdict);
  });
  updateStream(context, recordingKey, stored, outcomes);
  return { packageKey, outcomes: withReused(context, stored, outcomes) };
}

const outcomeOf = ({ kind }: Verdict): ItemOutcome => (kind === "new" ? "stored" : kind);

function obtainRecording({ sql }: SqlContext, stored: StoredPackage): number {
  const { predecessor } = stored.descriptor;
  const known = sql("SELECT key, predecessor, first_received_ms FROM recordings WHERE id = ?").get(stored.recording);
  if (!known) return insertRecording({ sql }, stored);
  const key = Number(known["key"]);
  if (predecessor && known["predecessor"] === null) {
    const { recording, cause } = predecessor;
    sql("UPDATE recordings SET predecessor = ?, predecessor_cause = ? WHERE key = ?").run(recording, cause, key);
  }
  if (Number(known["first_received_ms"]) > stored.receivedAtUnixMs) {
    sql("UPDATE recordings SET first_received_ms = ? WHERE key = ?").run(stored.receivedAtUnixMs, key);
  }
  return key;
}

function insertRecording({ sql }: Pick<SqlContext, "sql">, stored: StoredPackage): number {
  const { predecessor } = stored.descriptor;
  const { lastInsertRowid } = sql(
    "INSERT INTO recordings (key, id, tenant, terminal, patient, predecessor, predecessor_cause, first_received_ms)" +
      " VALUES ((SELECT MAX(k) + 1 FROM (SELECT MAX(key) AS k FROM recordings UNION ALL SELECT MAX(key) FROM erased" +
      " UNION ALL SELECT 0)), ?, ?, ?, ?, ?, ?, ?)",
  ).run(
    stored.recording,
    stored.tenant,
    stored.terminal,
    stored.patient,
    predecessor?.recording ?? null,
    predecessor?.cause ?? null,
    stored.receivedAtUnixMs,
  );
  return Number(lastInsertRowid);
}

function insertPackage(context: SqlContext, recordingKey: number, copies: readonly Copy[]): number {
  const { lastInsertRowid } = context.sql("INSERT INTO packages (recording) VALUES (?)").run(recordingKey);
  storeCopies(context, Number(lastInsertRowid), copies);
  return Number(lastInsertRowid);
}

function storeCopies({ sql }: SqlContext, packageKey: number, copies: readonly Copy[]): void {
  for (const { volumeId, fileNumber, offsetBytes, sizeBytes } of copies) {
    const insert = sql("INSERT OR IGNORE INTO copies VALUES (?, ?, ?, ?, ?)");
    insert.run(volumeId, fileNumber, offsetBytes, sizeBytes, packageKey);
  }
}

/** Makes the row of a stream of which nothing is known. */
function insertStream({ sql }: SqlContext, recordingKey: number, stored: StoredPackage, shape: string): null {
  const { stream, descriptor, receivedAtUnixMs } = stored;
  const start = startColumns(descriptor);
  sql(
    "INSERT INTO streams (recording, stream, kind, shape, boot_id, boot_monotonic_ms, claimed_ms, claimed_zone," +
      " first_received_ms, last_received_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  ).run(
    recordingKey,
    stream,
    descriptor.kind,
    shape,
    start.bootId,
    start.bootMonotonicMs,
    start.claimedMs,
    start.claimedZone,
    receivedAtUnixMs,
    receivedAtUnixMs,
  );
  return null;
}

function updateStream(
  { sql }: SqlContext,
  recordingKey: number,
  stored: StoredPackage,
  outcomes: readonly ItemOutcome[],
): void {
  const added = stored.items.filter((_, i) => outcomes[i] === "stored");
  if (added.length === 0) return;
  sql(
    "UPDATE streams SET segment_count = segment_count + ?, end_frame = MAX(end_frame, ?)," +
      " highest_sequence = MAX(highest_sequence, ?), final_sequence = COALESCE(final_sequence, ?)," +
      " first_received_ms = MIN(first_received_ms, ?), last_received_ms = MAX(last_received_ms, ?), unsummarised = ?" +
      " WHERE recording = ? AND stream = ?",
  ).run(
    added.length,
    Math.max(...added.map((item) => item.firstFrame + item.frameCount)),
    Math.max(...added.map((item) => item.sequence)),
    added.find((item) => item.final)?.sequence ?? null,
    stored.receivedAtUnixMs,
    stored.receivedAtUnixMs,
    stored.descriptor.kind === BODY_KIND.waveform ? 1 : 0,
    recordingKey,
    stored.stream,
  );
}

function insertSegment(
  { sql }: SqlContext,
  recordingKey: number,
  stored: StoredPackage,
  item: PackageItem,
  packageKey: number,
  place: number,
): void {
  sql("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").run(
    recordingKey,
    stored.stream,
    item.sequence,
    item.hash,
    item.prev,
    item.final ? 1 : 0,
    item.firstFrame,
    item.frameCount,
    item.sizeBytes,
    item.cycle,
    item.index,
    item.use,
    item.policyVersion,
    stored.receivedAtUnixMs,
    packageKey,
    place,
  );
}

/** Tells of the stored items whose use had sealed another segment. */
function withReused(context: SqlContext, stored: StoredPackage, outcomes: readonly ItemOutcome[]) {
  const places = outcomes.flatMap((outcome, place) => (outcome === "stored" ? [place] : []));
  const uses = places.map((place) => stored.items[place] as PackageItem);
  const known = noteUses(context, stored.terminal, uses);
  return outcomes.map((outcome, place) => (known[places.indexOf(place)] ? ("reused" as const) : outcome));
}
