/**
 * Copies what lies in packs to buckets, byte for byte, with the rows that are read from it, while the server goes on. What
 * was copied is known by its rows in the new catalog: whoever is interrupted begins behind the last of them.
 *
 * Source: docs/operating/migrate.md.
 */
import { sha256 } from "@pericard/crypto";
import { equalBytes, parsePackage, ProtocolError } from "@pericard/protocol";
import type { TakeOver } from "../catalog/postgresql/take-over.ts";
import type { SqlRow } from "../catalog/rows.ts";
import type { SourceCatalog, SourcePackage } from "../catalog/sqlite/source-catalog.ts";
import { codeOf, ServerError } from "../errors.ts";
import { STORED_KIND, type Copy, type StoredKind, type Volume } from "../volumes/volume.ts";
import { inSlices, type FindVolume } from "./slices.ts";

/** What a step takes at most; bytes unless a single package has more. */
const STEP_PACKAGES = 512;
const STEP_BYTES = 8 * 1024 * 1024;
/** Packages read at once. */
const READS = 32;

export interface CopyParts {
  readonly source: SourceCatalog;
  /** Volumes of the installation as it is. */
  readonly findVolume: FindVolume;
  readonly target: TakeOver;
  /** Buckets that the copies go to, each package to so many of them. */
  readonly buckets: readonly Volume[];
  readonly copyCount: number;
}

/** A package with its bytes, and the rows of what is read from it. */
interface ReadPackage {
  readonly from: SourcePackage;
  readonly kind: StoredKind;
  readonly bytes: Uint8Array;
  readonly segments: readonly SqlRow[];
  readonly summaries: readonly SqlRow[];
}

export class PackageCopier {
  readonly #parts: CopyParts;
  #steps = 0;

  constructor(parts: CopyParts) {
    this.#parts = parts;
  }

  /**
   * Takes the next packages over, or follows erasures.
   *
   * @returns how many; 0 when there is nothing left.
   * @throws {ServerError} ERR_DATA_UNREADABLE when no copy of a package is whole; ERR_STORE_UNAVAILABLE when too few buckets
   * work; ERR_VOLUME_DOWN; as the catalogs do.
   */
  async step(): Promise<number> {
    const { source, target } = this.#parts;
    const reached = await target.reached();
    const { erased, packages } = source.next(reached.erased, reached.key, STEP_PACKAGES);
    if (erased.length > 0) {
      await target.erase(erased);
      return erased.length;
    }
    const next = withinBytes(packages);
    if (next.length === 0) return 0;
    const read = (await inSlices(next, READS, (one) => this.#read(one))).filter((one) => one !== undefined);
    // All of them were erased since.
    if (read.length === 0) return next.length;
    const copies = await this.#store(read);
    await target.take({
      packages: read.map(({ from }) => from.row),
      copies,
      segments: read.flatMap(({ segments }) => segments),
      summaries: read.flatMap(({ summaries }) => summaries),
    });
    return read.length;
  }

  /** Takes entries of the audit trail over. @returns how many; 0 when there is none left. */
  async stepAudit(): Promise<number> {
    const { source, target } = this.#parts;
    const { audit } = await target.reached();
    const rows = source.auditAfter(audit, STEP_PACKAGES);
    if (rows.length > 0) await target.takeAudit(rows);
    return rows.length;
  }

  /** undefined when it was erased meanwhile. */
  async #read(from: SourcePackage): Promise<ReadPackage | undefined> {
    const first = await this.#readFrom(from);
    if (first) return first;
    // Copies may have been moved since the catalog was asked.
    const now = this.#parts.source.packagesAmong([from.key]).get(from.key);
    if (!now) return undefined;
    const again = await this.#readFrom(now);
    if (again) return again;
    const message = `no copy of package ${from.key} can be read: see "pericard volumes scrub"`;
    throw new ServerError("ERR_DATA_UNREADABLE", message);
  }

  async #readFrom(from: SourcePackage): Promise<ReadPackage | undefined> {
    for (const copy of from.copies) {
      const bytes = await readCopy(this.#parts.findVolume, copy);
      const found = bytes && this.#identify(from, bytes);
      if (found) return found;
    }
    return undefined;
  }

  /** What bytes are, or undefined when they are not what the catalog means. */
  #identify(from: SourcePackage, bytes: Uint8Array): ReadPackage | undefined {
    const { source } = this.#parts;
    const kind = Number(from.row["kind"]) as StoredKind;
    if (kind !== STORED_KIND.package) {
      const isIt = equalBytes(sha256(bytes), from.row["hash"] as Uint8Array);
      return isIt ? { from, kind, bytes, segments: [], summaries: [] } : undefined;
    }
    try {
      const { stream, items } = parsePackage(bytes).header;
      const hashes = new Map(items.map(({ sequence, hash }) => [sequence, hash]));
      const segments = source.segmentsOf(from, stream, [...hashes.keys()]);
      const isIt = segments.every((row) => {
        const hash = hashes.get(Number(row["sequence"]));
        return hash !== undefined && equalBytes(hash, row["hash"] as Uint8Array);
      });
      if (!isIt) return undefined;
      const sequences = segments.map((row) => Number(row["sequence"]));
      return { from, kind, bytes, segments, summaries: source.summariesOf(from, stream, sequences) };
    } catch (error) {
      if (error instanceof ProtocolError) return undefined;
      throw error;
    }
  }

  async #store(read: readonly ReadPackage[]) {
    const items = read.map(({ kind, bytes }) => ({ kind, bytes }));
    const stored = await Promise.all(this.#nextBuckets().map((bucket) => bucket.append(items)));
    return stored.flatMap((copies) => copies.map((copy, i) => ({ package: read[i]?.from.key as number, copy })));
  }

  /** Buckets that work, in turn. */
  #nextBuckets(): readonly Volume[] {
    const { buckets, copyCount } = this.#parts;
    const up = buckets.filter(({ state }) => state === "up");
    if (up.length < copyCount) {
      const message = `${up.length} of ${copyCount} needed buckets work`;
      throw new ServerError("ERR_STORE_UNAVAILABLE", message);
    }
    this.#steps += 1;
    return Array.from({ length: copyCount }, (_, i) => up[(this.#steps + i) % up.length] as Volume);
  }
}

/** The first packages, as many as fit. */
function withinBytes(packages: readonly SourcePackage[]): readonly SourcePackage[] {
  let sizeBytes = 0;
  const end = packages.findIndex(({ copies }, i) => {
    sizeBytes += copies[0]?.sizeBytes ?? 0;
    return i > 0 && sizeBytes > STEP_BYTES;
  });
  return end < 0 ? packages : packages.slice(0, end);
}

/** A copy's bytes; undefined when it is damaged, gone, or its volume is away. */
export async function readCopy(findVolume: FindVolume, copy: Copy): Promise<Uint8Array | undefined> {
  try {
    return await findVolume(copy.volumeId)?.read(copy);
  } catch (error) {
    if (["ERR_DATA_UNREADABLE", "ERR_VOLUME_DOWN"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
