/** A stopped server's catalog and volumes against each other and against the receipts. */
import { openPackage } from "@pericard/crypto";
import { FrameLog, openDiskFolder, type FramePosition } from "@pericard/framelog";
import { parsePackage, RecordingId, toHex } from "@pericard/protocol";
import { configOf, findSettings } from "@pericard/server";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ReceiptLedger } from "./receipt-ledger.ts";
import type { Site } from "./site.ts";

/** What was found. Everything but the counts must be empty. */
export interface StoreReport {
  readonly segmentCount: number;
  readonly copyCount: number;
  /** What is wrong, one line for each thing. */
  readonly faults: readonly string[];
}

interface Placed extends FramePosition {
  readonly volume: string;
}

/** What rows say of a package's content; hashes are hexadecimal. */
export interface PackageContent {
  readonly recording: RecordingId;
  readonly items: readonly { readonly item: number; readonly hash: string }[];
}

interface PackageRow extends PackageContent {
  readonly copies: readonly Placed[];
}

function openCatalog(site: Site): DatabaseSync {
  return new DatabaseSync(join(site.paths.server, "catalog", "catalog.sqlite"), { readOnly: true });
}

function openVolumes(site: Site): ReadonlyMap<string, FrameLog> {
  const settings = findSettings(site.paths.server);
  const paths = settings ? configOf(site.paths.server, settings, undefined).volumePaths : [];
  return new Map(
    paths.map((path) => {
      const folder = openDiskFolder(path);
      const { id } = JSON.parse(new TextDecoder().decode(folder.read("volume.json"))) as { readonly id: string };
      return [id, FrameLog.open(folder, { name: "pack", fileBytesMax: 1 })];
    }),
  );
}

function* packages(catalog: DatabaseSync): Generator<PackageRow> {
  const segments = catalog.prepare("SELECT hash, item FROM segments WHERE package = ? ORDER BY item");
  const copies = catalog.prepare("SELECT * FROM copies WHERE package = ?");
  const rows = catalog
    .prepare("SELECT DISTINCT s.package, r.id FROM segments s JOIN recordings r ON r.key = s.recording")
    .all();
  for (const row of rows) {
    const key = Number(row["package"]);
    yield {
      recording: RecordingId.parse(String(row["id"])),
      items: segments.all(key).map(({ hash, item }) => ({ item: Number(item), hash: toHex(hash as Uint8Array) })),
      copies: copies.all(key).map((copy) => ({
        volume: String(copy["volume"]),
        fileNumber: Number(copy["file"]),
        offsetBytes: Number(copy["offset"]),
        sizeBytes: Number(copy["size"]),
      })),
    };
  }
}

/** Faults of one package: its copies must be readable, the same, and hold what the rows say. */
function faultsOf(row: PackageRow, volumes: ReadonlyMap<string, FrameLog>, dataKey: Uint8Array): readonly string[] {
  const faults: string[] = [];
  let first: Uint8Array | undefined;
  for (const copy of row.copies) {
    try {
      const bytes = volumes.get(copy.volume)?.read(copy).content;
      if (!bytes) throw new RangeError("volume is unknown");
      first ??= bytes;
      if (Buffer.compare(first, bytes) !== 0) faults.push(`copies of a package of ${row.recording} differ`);
    } catch (error) {
      faults.push(`copy ${copy.volume} ${copy.fileNumber}/${copy.offsetBytes}: ${String(error)}`);
    }
  }
  if (!first) return [...faults, `package of ${row.recording} has no readable copy`];
  return [...faults, ...contentFaults(row, first, dataKey)];
}

/** Faults of what one copy holds: it must open, and be what the rows say. @throws {CryptoError} when it does not open. */
export function contentFaults({ recording, items }: PackageContent, copy: Uint8Array, dataKey: Uint8Array) {
  const parsed = parsePackage(copy);
  openPackage(dataKey, parsed);
  return items
    .filter(({ item, hash }) => toHex(parsed.header.items[item]?.hash ?? new Uint8Array(0)) !== hash)
    .map(({ item }) => `item ${item} of a package of ${recording} is not what its row says`);
}

/** Faults of receipts: what one speaks of must be there, in as many copies. @param found copies by h, hexadecimal. */
export function receiptFaults(receipts: ReceiptLedger, found: ReadonlyMap<string, number>): readonly string[] {
  return [...receipts.copies]
    .filter(([hash, receipted]) => (found.get(hash) ?? 0) < receipted)
    .map(([hash, receipted]) => `receipted ${hash} has ${found.get(hash) ?? 0} of ${receipted} copies`);
}

function catalogFaults(catalog: DatabaseSync): readonly string[] {
  const check = String(catalog.prepare("PRAGMA integrity_check").get()?.["integrity_check"]);
  const alarms = catalog
    .prepare("SELECT action FROM audit WHERE action LIKE 'conflict%' OR action LIKE 'rejected%'")
    .all();
  return [...(check === "ok" ? [] : [`catalog: ${check}`]), ...alarms.map(({ action }) => `alarm: ${String(action)}`)];
}

/**
 * Reads every copy of every package that the catalog names, and looks every receipted h up. Run it on a server that was
 * stopped.
 */
export function checkStore(site: Site): StoreReport {
  const catalog = openCatalog(site);
  const volumes = openVolumes(site);
  const faults = [...catalogFaults(catalog)];
  const copiesOf = new Map<string, number>();
  let copyCount = 0;
  try {
    site.withStore((store) => {
      for (const row of packages(catalog)) {
        const key = store.findRecordingKey(row.recording);
        faults.push(...(key ? faultsOf(row, volumes, key.dataKey) : [`${row.recording} has no data key`]));
        copyCount += row.copies.length;
        for (const { hash } of row.items) copiesOf.set(hash, row.copies.length);
      }
    });
    const segmentCount = copiesOf.size;
    for (const { hash } of catalog.prepare("SELECT hash FROM gaps").all()) {
      copiesOf.set(toHex(hash as Uint8Array), Number.POSITIVE_INFINITY);
    }
    faults.push(...receiptFaults(site.receipts, copiesOf));
    return { segmentCount, copyCount, faults };
  } finally {
    for (const log of volumes.values()) log.close();
    catalog.close();
  }
}

/** h of every segment that a stopped server's catalog has, hexadecimal. */
export function catalogHashes(site: Site): ReadonlySet<string> {
  const catalog = openCatalog(site);
  try {
    return new Set(
      catalog
        .prepare("SELECT hash FROM segments")
        .all()
        .map(({ hash }) => toHex(hash as Uint8Array)),
    );
  } finally {
    catalog.close();
  }
}
