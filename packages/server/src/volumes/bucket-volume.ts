/**
 * A bucket as a volume: each append is one object under a number of its own, which no writer ever overwrites. Any number of
 * servers and workers may write to it at once.
 *
 * Source: docs/format.md §10.5.
 */
import type { RandomSource } from "@pericard/crypto";
import { decodeFrame, FRAME_OVERHEAD_BYTES_MAX } from "@pericard/framelog";
import { FRAME_CONTENT_BYTES_MAX, utf8 } from "@pericard/protocol";
import { codeOf, ServerError } from "../errors.ts";
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
import type { Copy, ScannedItem, StoredItem, Volume, VolumeState } from "./volume.ts";
import { describeIdentity, drawVolumeId, IDENTITY_FILE, parseIdentity } from "./volume-identity.ts";

const IDENTITY_BYTES_MAX = 1024;
const FRAME_BYTES_MAX = FRAME_CONTENT_BYTES_MAX + FRAME_OVERHEAD_BYTES_MAX;
/** How often a number may turn out to be taken, by this very put when its first answer was lost. */
const NUMBERS_MAX = 5;
/** Packs, and bytes of them, that a scan reads at once. */
const SCAN_PACKS = 8;
const SCAN_BYTES = 32 * 1024 * 1024;

export interface BucketVolumeOptions {
  /** A call that takes longer makes the volume down. */
  readonly deadlineMs: number;
  /** Pause before a volume that is down or full is tried again. */
  readonly retryMs: number;
  readonly monotonicMs: () => number;
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

class BucketVolume implements Volume {
  readonly id: string;
  readonly #bucket: S3Bucket;
  readonly #options: BucketVolumeOptions;
  #state: VolumeState = "up";
  #retryAtMs = 0;

  constructor(id: string, bucket: S3Bucket, options: BucketVolumeOptions) {
    this.id = id;
    this.#bucket = bucket;
    this.#options = options;
  }

  get state(): VolumeState {
    const pausing = this.#state !== "up" && this.#options.monotonicMs() < this.#retryAtMs;
    return pausing ? this.#state : "up";
  }

  async append(items: readonly StoredItem[]): Promise<readonly Copy[]> {
    if (this.state === "full") throw new ServerError("ERR_VOLUME_FULL", `volume ${this.id} is full`);
    const groups = splitForObjects(items);
    const copies = await this.#run(() => Promise.all(groups.map((group) => this.#putPack(group))));
    this.#state = "up";
    return copies.flat();
  }

  async read({ fileNumber, offsetBytes, sizeBytes }: Copy): Promise<Uint8Array> {
    if (sizeBytes > FRAME_BYTES_MAX) throw new ServerError("ERR_DATA_UNREADABLE", "copy is larger than any frame");
    const range = { offsetBytes, sizeBytes };
    const bytes = await this.#run(() => this.#bucket.get(packName(fileNumber), sizeBytes, range));
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

  async close(): Promise<void> {
    this.#bucket.close();
  }

  async #putPack(group: readonly StoredItem[]): Promise<readonly Copy[]> {
    const { bytes, places } = encodePackObject(group);
    for (let tries = 0; tries < NUMBERS_MAX; tries += 1) {
      const fileNumber = drawFileNumber(this.#options.random);
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

  async #run<T>(call: () => Promise<T>): Promise<T> {
    if (this.state === "down") throw new ServerError("ERR_VOLUME_DOWN", `volume ${this.id} is down`);
    try {
      return await call();
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #failed(cause: unknown): Error {
    const code = codeOf(cause);
    if (code === "ERR_DATA_UNREADABLE") return new ServerError(code, "copy is damaged or gone", { cause });
    this.#state = code === "ERR_VOLUME_FULL" ? "full" : "down";
    this.#retryAtMs = this.#options.monotonicMs() + this.#options.retryMs;
    const named = this.#state === "full" ? "ERR_VOLUME_FULL" : "ERR_VOLUME_DOWN";
    return new ServerError(named, `volume ${this.id} is ${this.#state}`, { cause });
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
): Promise<Volume> {
  const bucket = new S3Bucket(place, secret, options.deadlineMs);
  const stranger = new S3Bucket(place, `${secret.slice(1)}x`, options.deadlineMs);
  try {
    await probeBucket(bucket, stranger, options.random);
    if (!(await bucket.hasObjectLock())) {
      options.onWarning(`bucket ${place.bucket} has no object lock: whoever has its keys can remove packs`);
    }
    return new BucketVolume(await identify(bucket, options.random), bucket, options);
  } catch (error) {
    bucket.close();
    throw error;
  } finally {
    stranger.close();
  }
}
