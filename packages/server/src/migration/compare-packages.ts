/**
 * Reads every copy in the buckets back, and compares it with the installation that it came from, while that goes on.
 *
 * Source: docs/operating/migrate.md.
 */
import { equalBytes, releaseBytes } from "@pericard/protocol";
import type { TakenPackage, TakeOver } from "../catalog/postgresql/take-over.ts";
import type { SourceCatalog, SourcePackage } from "../catalog/sqlite/source-catalog.ts";
import { ServerError } from "../errors.ts";
import type { BucketVolume } from "../volumes/bucket-volume.ts";
import { readCopy } from "./copy-packages.ts";
import { inSlices, type FindVolume } from "./slices.ts";

const STEP_PACKAGES = 512;
const READS = 32;

export interface CompareParts {
  readonly source: SourceCatalog;
  readonly findVolume: FindVolume;
  readonly target: TakeOver;
  readonly buckets: readonly BucketVolume[];
  readonly copyCount: number;
}

const differs = (key: number, what: string): never => {
  throw new ServerError("ERR_MIGRATION_DIFFERS", `package ${key}: ${what}`);
};

/**
 * Compares the next packages.
 *
 * @returns how many; 0 when all were compared.
 * @throws {ServerError} ERR_MIGRATION_DIFFERS naming the first package that is not the same in each place.
 */
export async function compareStep(parts: CompareParts): Promise<number> {
  const { source, target, copyCount } = parts;
  const [reached, compared] = [await target.reached(), await target.comparedKey()];
  // Erasures may have taken the last packages away, and their keys may be given again.
  const taken = await target.takenAfter(Math.min(compared, reached.key), STEP_PACKAGES);
  const last = taken.at(-1);
  if (!last) return 0;
  const present = source.packagesAmong(taken.map(({ key }) => key));
  const packs = await readPacks(parts, taken);
  await inSlices(taken, READS, async ({ key, copies }) => {
    const from = present.get(key);
    // It was erased meanwhile, which is followed later.
    if (!from) return;
    if (new Set(copies.map(({ volumeId }) => volumeId)).size !== copyCount) differs(key, `has ${copies.length} copies`);
    for (const bytes of await readSource(parts, from)) {
      for (const copy of copies) {
        const found = packs.get(placeText(copy));
        if (!found || !equalBytes(found, bytes)) differs(key, `its copy in volume ${copy.volumeId} is not the same`);
      }
      releaseBytes(bytes);
    }
  });
  await target.keepComparedKey(last.key);
  return taken.length;
}

/** A copy that can be read; none when the package was erased meanwhile. */
async function readSource({ findVolume, source }: CompareParts, from: SourcePackage): Promise<readonly Uint8Array[]> {
  for (const copy of [...from.copies, ...(source.packagesAmong([from.key]).get(from.key)?.copies ?? [])]) {
    const bytes = await readCopy(findVolume, copy);
    if (bytes) return [bytes];
  }
  if (!source.packagesAmong([from.key]).has(from.key)) return [];
  return differs(from.key, "no copy of it can be read where it came from");
}

const placeText = ({ volumeId, fileNumber, offsetBytes }: TakenPackage["copies"][number]): string =>
  `${volumeId} ${fileNumber} ${offsetBytes}`;

/** Everything in the packs of packages, by place: a pack is read once. */
async function readPacks({ buckets }: CompareParts, taken: readonly TakenPackage[]) {
  const copies = taken.flatMap((one) => one.copies);
  const packs = [...new Map(copies.map((copy) => [`${copy.volumeId} ${copy.fileNumber}`, copy])).values()];
  const found = new Map<string, Uint8Array>();
  for (const { volumeId, fileNumber } of packs) {
    const bucket = buckets.find(({ id }) => id === volumeId);
    for (const { copy, bytes } of (await bucket?.readPack(fileNumber)) ?? []) found.set(placeText(copy), bytes);
  }
  return found;
}
