/** What is in the buckets and the catalog of an installation on engines, against each other and against the receipts. */
import { sha256 } from "@pericard/crypto";
import { decodeFrame } from "@pericard/framelog";
import { RecordingId, toHex } from "@pericard/protocol";
import { packName } from "../../../server/src/volumes/pack-object.ts";
import type { TestBucket } from "../../../server/test/support/test-bucket.ts";
import type { TestDatabase } from "../../../server/test/support/test-database.ts";
import { contentFaults, receiptFaults, type PackageContent, type StoreReport } from "../../src/crash/check-store.ts";
import type { EngineSite } from "./engine-site.ts";

const SCHEMA = "pericard_catalog";
/** Packs that are fetched at once. */
const FETCHES = 8;

/** A package by what was found of it so far. */
interface Found extends PackageContent {
  copyCount: number;
  /** SHA-256 of the first copy that was read. */
  digest: string | undefined;
}

interface PackCopies {
  readonly volume: string;
  readonly fileNumber: number;
  readonly copies: readonly { readonly package: number; readonly offsetBytes: number; readonly sizeBytes: number }[];
}

async function readPackages(database: TestDatabase): Promise<ReadonlyMap<number, Found>> {
  const rows = await database.query(
    `SELECT s.package, r.id, json_agg(json_build_object('item', s.item, 'hash', encode(s.hash, 'hex'))) AS items
     FROM ${SCHEMA}.segments s JOIN ${SCHEMA}.recordings r ON r.key = s.recording GROUP BY s.package, r.id`,
  );
  return new Map(
    rows.map(({ package: key, id, items }) => [
      Number(key),
      { recording: RecordingId.parse(String(id)), items: items as Found["items"], copyCount: 0, digest: undefined },
    ]),
  );
}

async function readCopies(database: TestDatabase): Promise<readonly PackCopies[]> {
  const rows = await database.query(
    `SELECT volume, file, json_agg(json_build_object('package', package, 'offsetBytes', "offset", 'sizeBytes', size)) AS copies
     FROM ${SCHEMA}.copies WHERE package IN (SELECT package FROM ${SCHEMA}.segments) GROUP BY volume, file`,
  );
  return rows.map(({ volume, file, copies }) => {
    return { volume: String(volume), fileNumber: Number(file), copies: copies as PackCopies["copies"] };
  });
}

async function bucketsById(buckets: readonly TestBucket[]): Promise<ReadonlyMap<string, TestBucket>> {
  const named = buckets.map(async (bucket): Promise<[string, TestBucket]> => {
    const { id } = JSON.parse(new TextDecoder().decode(await bucket.get("volume.json"))) as { readonly id: string };
    return [id, bucket];
  });
  return new Map(await Promise.all(named));
}

/** What contradicts in the rows: segments that are there twice, alarms that a terminal or a server raised. */
async function rowFaults(database: TestDatabase): Promise<readonly string[]> {
  const twice = await database.query(
    `SELECT encode(hash, 'hex') AS hash, count(*) AS count FROM ${SCHEMA}.segments GROUP BY hash HAVING count(*) > 1`,
  );
  const alarms = await database.query(
    `SELECT action, subject FROM ${SCHEMA}.audit WHERE action LIKE 'conflict%' OR action LIKE 'rejected%'`,
  );
  return [
    ...twice.map(({ hash, count }) => `segment ${String(hash)} is there ${String(count)} times`),
    ...alarms.map(({ action, subject }) => `alarm: ${String(action)} ${String(subject)}`),
  ];
}

/**
 * Fetches every pack that the catalog names and reads every copy in it, and looks every receipted h up. Memory: a few packs and a
 * line for each segment. Run it when nothing writes.
 */
export async function checkEngineStore({ site, buckets, database }: EngineSite): Promise<StoreReport> {
  const faults = [...(await rowFaults(database))];
  const [packages, packs, byId] = await Promise.all([
    readPackages(database),
    readCopies(database),
    bucketsById(buckets),
  ]);
  const dataKeys = site.withStore((store) => {
    const recordings = new Set([...packages.values()].map(({ recording }) => recording));
    return new Map([...recordings].map((recording) => [recording, store.findRecordingKey(recording)?.dataKey]));
  });

  function take(found: Found, copy: Uint8Array): void {
    const digest = toHex(sha256(copy));
    found.copyCount += 1;
    if (found.digest === digest) return;
    if (found.digest !== undefined) faults.push(`copies of a package of ${found.recording} differ`);
    found.digest = digest;
    const dataKey = dataKeys.get(found.recording);
    faults.push(...(dataKey ? contentFaults(found, copy, dataKey) : [`${found.recording} has no data key`]));
  }

  async function readPack({ volume, fileNumber, copies }: PackCopies): Promise<void> {
    const pack = await byId.get(volume)?.get(packName(fileNumber));
    for (const { package: key, offsetBytes, sizeBytes } of copies) {
      const frame = pack && decodeFrame(pack.subarray(offsetBytes, offsetBytes + sizeBytes));
      const found = packages.get(key);
      if (found && frame?.state === "frame") take(found, frame.frame.content);
      else faults.push(`copy ${volume} ${fileNumber}/${offsetBytes} is not readable`);
    }
  }

  const left = packs.values();
  await Promise.all(
    Array.from({ length: FETCHES }, async () => {
      for (const pack of left) {
        await readPack(pack).catch((error: unknown) =>
          faults.push(`pack ${pack.volume} ${pack.fileNumber}: ${String(error)}`),
        );
      }
    }),
  );
  // A package has one copy for each volume at most: the table's key says so.
  const copiesOf = new Map(
    [...packages.values()].flatMap(({ items, copyCount }) => items.map((one) => [one.hash, copyCount])),
  );
  faults.push(...receiptFaults(site.receipts, copiesOf));
  const copyCount = packs.reduce((sum, { copies }) => sum + copies.length, 0);
  return { segmentCount: copiesOf.size, copyCount, faults };
}
