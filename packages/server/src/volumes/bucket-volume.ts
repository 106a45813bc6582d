/**
 * A bucket as a volume: each append is one object under a number of its own, which no writer ever overwrites. Any number of
 * servers and workers may write to it at once.
 *
 * Source: docs/format.md §10.5.
 */
import type { RandomSource } from "@pericard/crypto";
import { decodeFrame, FRAME_OVERHEAD_BYTES_MAX } from "@pericard/framelog";
import { equalBytes, FRAME_CONTENT_BYTES_MAX, toHex, utf8 } from "@pericard/protocol";
import { ServerError } from "../errors.ts";
import {
  encodePackObject,
  OBJECT_BYTES_MAX,
  PACK_PREFIX,
  packName,
  packNumber,
  scanPackObject,
  splitForObjects,
} from "./pack-object.ts";
import { probeBucket } from "./probe-bucket.ts";
import { S3Bucket, type BucketPlace, type ListedObject } from "./s3-bucket.ts";
import { VolumeHealth, type HealthOptions } from "./volume-health.ts";
import type {
  Copy,
  PackEntry,
  PackFile,
  ScannedItem,
  StoredItem,
  Volume,
  VolumeReport,
  VolumeSpace,
  VolumeState,
} from "./volume.ts";
import { describeIdentity, drawVolumeId, IDENTITY_FILE, parseIdentity } from "./volume-identity.ts";

const IDENTITY_BYTES_MAX = 1024;
const FRAME_BYTES_MAX = FRAME_CONTENT_BYTES_MAX + FRAME_OVERHEAD_BYTES_MAX;
/** How often a number may turn out to be taken, by this very put when its first answer was lost. */
const NUMBERS_MAX = 5;
/** Packs, and bytes of them, that a scan reads at once. */
const SCAN_PACKS = 8;
const SCAN_BYTES = 32 * 1024 * 1024;

export interface BucketVolumeOptions extends HealthOptions {
  readonly random: RandomSource;
  /** Told what the bucket lacks that is good to have. */
  readonly onWarning: (message: string) => void;
}

/** A number that nobody else draws: 53 bits. */
function drawFileNumber(random: RandomSource): number {
  const view = new DataView(random(8).buffer);
  return (view.getUint32(0) & 0x1f_ffff) * 2 ** 32 + view.getUint32(4);
}

interface ListedPack extends ListedObject {
  readonly fileNumber: number;
}

/** Packs of a page in groups that are read at once. What else lies in the bucket is left out. */
function splitForScan(page: readonly ListedObject[]): readonly (readonly ListedPack[])[] {
  const groups: ListedPack[][] = [];
  let groupBytes = Infinity;
  for (const { name, sizeBytes } of page) {
    const fileNumber = packNumber(name);
    if (fileNumber === undefined || sizeBytes > OBJECT_BYTES_MAX) continue;
    if (groupBytes + sizeBytes > SCAN_BYTES || groups.at(-1)?.length === SCAN_PACKS) {
      groups.push([]);
      groupBytes = 0;
    }
    groups.at(-1)?.push({ name, sizeBytes, fileNumber });
    groupBytes += sizeBytes;
  }
  return groups;
}

/** A bucket that is open. */
export class BucketVolume implements Volume {
  readonly id: string;
  readonly place: string;
  readonly #bucket: S3Bucket;
  readonly #random: RandomSource;
  readonly #health: VolumeHealth;

  constructor(id: string, place: string, bucket: S3Bucket, options: BucketVolumeOptions) {
    this.id = id;
    this.place = place;
    this.#bucket = bucket;
    this.#random = options.random;
    this.#health = new VolumeHealth(id, options, { probe: () => this.#probe(), abandon: () => undefined });
  }

  get state(): VolumeState {
    return this.#health.state;
  }

  get report(): VolumeReport {
    return this.#health.report;
  }

  async append(items: readonly StoredItem[]): Promise<readonly Copy[]> {
    const groups = splitForObjects(items);
    const copies = await this.#health.write(() => Promise.all(groups.map((group) => this.#putPack(group))));
    return copies.flat();
  }

  async read({ fileNumber, offsetBytes, sizeBytes }: Copy): Promise<Uint8Array> {
    if (sizeBytes > FRAME_BYTES_MAX) throw new ServerError("ERR_DATA_UNREADABLE", "copy is larger than any frame");
    const range = { offsetBytes, sizeBytes };
    const bytes = await this.#health.read(() => this.#bucket.get(packName(fileNumber), sizeBytes, range));
    const found = bytes && decodeFrame(bytes);
    if (found?.state === "frame" && found.sizeBytes === sizeBytes) return found.frame.content;
    throw new ServerError("ERR_DATA_UNREADABLE", `copy is damaged or gone in pack ${fileNumber}, byte ${offsetBytes}`);
  }

  async *scan(): AsyncGenerator<readonly ScannedItem[]> {
    for await (const page of this.#bucket.list(PACK_PREFIX)) {
      for (const packs of splitForScan(page)) {
        const found = await Promise.all(packs.map(({ name, fileNumber }) => this.#scanPack(name, fileNumber)));
        yield* found.filter((items) => items.length > 0);
      }
    }
  }

  /** Each append is a pack of its own, complete when it is there. */
  async endPack(): Promise<void> {
    return undefined;
  }

  async listPacks(): Promise<readonly PackFile[]> {
    const packs: PackFile[] = [];
    for await (const page of this.#bucket.list(PACK_PREFIX)) {
      for (const { name, sizeBytes } of page) {
        const fileNumber = packNumber(name);
        if (fileNumber !== undefined) packs.push({ fileNumber, sizeBytes });
      }
    }
    return packs;
  }

  async listPack(fileNumber: number): Promise<readonly PackEntry[]> {
    return (await this.readPack(fileNumber)).map(({ kind, copy }) => ({ kind, copy }));
  }

  /** Every whole frame of a pack, with its bytes; none when there is no such pack. @throws {ServerError} ERR_VOLUME_DOWN. */
  readPack(fileNumber: number): Promise<readonly ScannedItem[]> {
    return this.#health.read(() => this.#scanPack(packName(fileNumber), fileNumber));
  }

  async removePack(fileNumber: number): Promise<void> {
    await this.#health.read(() => this.#bucket.remove(packName(fileNumber)));
  }

  /** Buckets do not say what room is left; what packs take would need a list of all. */
  async space(): Promise<VolumeSpace> {
    return { packBytes: null, freeBytes: null };
  }

  async close(): Promise<void> {
    this.#health.close();
    this.#bucket.close();
  }

  async #probe(): Promise<void> {
    const identity = await this.#bucket.get(IDENTITY_FILE, IDENTITY_BYTES_MAX);
    if (!identity || parseIdentity(identity) !== this.id) {
      throw new ServerError("ERR_VOLUME_IDENTITY", "bucket is another volume now, or none");
    }
    const name = `probe-${toHex(this.#random(16))}`;
    const content = this.#random(IDENTITY_BYTES_MAX);
    const answer = await this.#bucket.putNew(name, content);
    if (answer !== "stored") throw new ServerError("ERR_VOLUME_DOWN", `bucket answers ${answer} to a probe`);
    const back = await this.#bucket.get(name, content.length);
    await this.#bucket.remove(name);
    if (back && equalBytes(back, content)) return;
    throw new ServerError("ERR_VOLUME_DOWN", "bucket gives back other bytes than it took");
  }

  async #putPack(group: readonly StoredItem[]): Promise<readonly Copy[]> {
    const { bytes, places } = encodePackObject(group);
    for (let tries = 0; tries < NUMBERS_MAX; tries += 1) {
      const fileNumber = drawFileNumber(this.#random);
      const answer = await this.#bucket.putNew(packName(fileNumber), bytes);
      if (answer === "stored") return places.map((place) => ({ volumeId: this.id, fileNumber, ...place }));
      if (answer !== "exists") throw new ServerError("ERR_VOLUME_DOWN", `bucket refused a pack with ${answer}`);
    }
    throw new ServerError("ERR_VOLUME_DOWN", `bucket has each of ${NUMBERS_MAX} random pack numbers`);
  }

  /** The items of one pack; none when it was removed meanwhile. */
  async #scanPack(name: string, fileNumber: number): Promise<readonly ScannedItem[]> {
    const bytes = await this.#bucket.get(name, OBJECT_BYTES_MAX);
    const items = Array.from(scanPackObject(bytes ?? new Uint8Array(0)));
    return items.map(({ offsetBytes, sizeBytes, ...item }) => {
      return { ...item, copy: { volumeId: this.id, fileNumber, offsetBytes, sizeBytes } };
    });
  }
}

/** The volume's id, drawn when the bucket is first used. Two that draw at once agree on the first. */
async function identify(bucket: S3Bucket, random: RandomSource): Promise<string> {
  const known = await bucket.get(IDENTITY_FILE, IDENTITY_BYTES_MAX);
  if (known) return parseIdentity(known);
  const id = drawVolumeId(random);
  const answer = await bucket.putNew(IDENTITY_FILE, describeIdentity(id));
  if (answer === "stored") return id;
  const others = await bucket.get(IDENTITY_FILE, IDENTITY_BYTES_MAX);
  return parseIdentity(others ?? utf8(""));
}

/**
 * Probes a bucket and opens it as a volume.
 *
 * @throws {ServerError} ERR_BUCKET_REFUSED when the server does not do what packs need; ERR_VOLUME_DOWN when it does not
 * answer; ERR_VOLUME_IDENTITY.
 */
export async function openBucketVolume(
  place: BucketPlace,
  secret: string,
  options: BucketVolumeOptions,
): Promise<BucketVolume> {
  const bucket = new S3Bucket(place, secret, options.deadlineMs);
  const stranger = new S3Bucket(place, `${secret.slice(1)}x`, options.deadlineMs);
  try {
    await probeBucket(bucket, stranger, options.random);
    if (!(await bucket.hasObjectLock())) {
      options.onWarning(`bucket ${place.bucket} has no object lock: whoever has its keys can remove packs`);
    }
    const id = await identify(bucket, options.random);
    return new BucketVolume(id, `${place.endpoint}/${place.bucket}`, bucket, options);
  } catch (error) {
    bucket.close();
    throw error;
  } finally {
    stranger.close();
  }
}
