/** The engines that an installation goes to, opened beside what it runs on. */
import { isShared, type SharedKeyStore } from "@pericard/custody";
import type { TakeOver } from "../catalog/postgresql/take-over.ts";
import { keyStorePlace, type ServerConfig } from "../config.ts";
import { ServerError } from "../errors.ts";
import type { NextSettings } from "../settings.ts";
import type { BucketVolume, BucketVolumeOptions } from "../volumes/bucket-volume.ts";
import { bucketsToOpen } from "../volumes/open-buckets.ts";

export interface MigrationTarget {
  readonly next: NextSettings;
  readonly catalog: TakeOver;
  readonly buckets: readonly BucketVolume[];
  readonly keyStore: SharedKeyStore;
  close(): Promise<void>;
}

function refuse(why: string): never {
  throw new ServerError("ERR_SERVER_CONFIG", `migration: ${why}`);
}

/**
 * Whether an installation can go from one configuration to another.
 *
 * @returns the place of the key store.
 * @throws {ServerError} ERR_MIGRATION_TARGET when it is on engines already; ERR_SERVER_CONFIG when the other is none on engines.
 */
export function requireWay(from: ServerConfig, to: ServerConfig): SharedKeyStore {
  if (from.catalog || from.keyStore || from.channel || (from.buckets ?? []).length > 0) {
    throw new ServerError("ERR_MIGRATION_TARGET", "installation is on engines already, at least in part");
  }
  if (to.volumePaths.length > 0 || (to.buckets ?? []).length === 0) refuse("volumes have to be buckets");
  if (!to.catalog) refuse("catalog has to be in PostgreSQL");
  const keyStore = keyStorePlace(to);
  return isShared(keyStore) ? keyStore : refuse("keyStore has to be in PostgreSQL");
}

/**
 * Opens the engines, and makes the new catalog this installation's.
 *
 * @param source id of the catalog that is left.
 * @throws {ServerError} as {@link requireWay}, opening a bucket and {@link TakeOver.begin}.
 */
export async function openTarget(
  from: ServerConfig,
  next: NextSettings,
  source: string,
  options: BucketVolumeOptions,
): Promise<MigrationTarget> {
  const keyStore = requireWay(from, next.config);
  const { catalog: database, buckets: places = [] } = next.config;
  if (!database) return refuse("catalog has to be in PostgreSQL");
  const ends: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(ends.splice(0).map((end) => end()));
  };
  try {
    const buckets: BucketVolume[] = [];
    for (const { open } of bucketsToOpen(places, options)) {
      const bucket = await open();
      ends.push(() => bucket.close());
      buckets.push(bucket);
    }
    if (new Set(buckets.map(({ id }) => id)).size < buckets.length) refuse("two buckets are one, or one is a copy");
    const { TakeOver } = await import("../catalog/postgresql/take-over.ts");
    const catalog = await TakeOver.begin(database, source);
    ends.push(() => catalog.close());
    return { next, catalog, buckets, keyStore, close };
  } catch (error) {
    await close();
    throw error;
  }
}
