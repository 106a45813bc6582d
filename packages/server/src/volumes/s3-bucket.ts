/**
 * One bucket of an S3 server: few calls, each with a deadline, each with an answer that says what happened.
 *
 * The settings suit servers other than AWS: no checksum trailers, names in the path. Servers differ in what they ignore;
 * {@link probeBucket} finds out.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { contentMd5 } from "@pericard/crypto";
import { ServerError } from "../errors.ts";

/** Where a bucket is and who asks. */
export interface BucketPlace {
  readonly bucket: string;
  /** `http://` or `https://` with host and port. */
  readonly endpoint: string;
  /** `us-east-1` suits servers that know no regions. */
  readonly region: string;
  readonly accessKeyId: string;
}

/** An object as a list shows it. */
export interface ListedObject {
  readonly name: string;
  readonly sizeBytes: number;
}

/** A part of an object. */
export interface ByteRange {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** What the server made of a put: it is there, another object of the name was, or it was refused with that HTTP status. */
export type PutAnswer = "stored" | "exists" | number;

/** Answers that mean: no room. */
const FULL_NAMES: ReadonlySet<string> = new Set(["QuotaExceeded", "InsufficientStorage", "XMinioStorageFull"]);

function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

function failure(error: unknown, doing: string): ServerError {
  const status = statusOf(error);
  if (status === 507 || FULL_NAMES.has((error as Error).name)) {
    return new ServerError("ERR_VOLUME_FULL", `bucket has no room while ${doing}`, { cause: error });
  }
  const answer = status === undefined ? "did not answer" : `answered ${status}`;
  return new ServerError("ERR_VOLUME_DOWN", `bucket ${answer} while ${doing}`, { cause: error });
}

/** A bucket behind its few calls. */
export class S3Bucket {
  readonly #place: BucketPlace;
  readonly #deadlineMs: number;
  readonly #client: S3Client;

  /** @param deadlineMs a call that takes longer fails. */
  constructor(place: BucketPlace, secretAccessKey: string, deadlineMs: number) {
    const { endpoint, region, accessKeyId } = place;
    this.#place = place;
    this.#deadlineMs = deadlineMs;
    this.#client = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  }

  /**
   * Puts an object whose name must be free. It is durable when the answer is `stored`.
   *
   * @param md5 of the bytes, unless a test of the server wants another.
   * @throws {ServerError} ERR_VOLUME_FULL; ERR_VOLUME_DOWN without an answer, or with one that blames the server.
   */
  async putNew(name: string, bytes: Uint8Array, md5 = contentMd5(bytes)): Promise<PutAnswer> {
    const Bucket = this.#place.bucket;
    const command = { Bucket, Key: name, Body: bytes, ContentMD5: md5, IfNoneMatch: "*" };
    try {
      await this.#inTime((abortSignal) => this.#client.send(new PutObjectCommand(command), { abortSignal }));
      return "stored";
    } catch (error) {
      const status = statusOf(error);
      // 409: two puts of one name met.
      if (status === 412 || status === 409) return "exists";
      const failed = failure(error, "writing");
      if (status === undefined || status >= 502 || failed.code === "ERR_VOLUME_FULL") throw failed;
      return status;
    }
  }

  /**
   * An object, or the given part of it; undefined when there is none, or nothing of it there.
   *
   * @param sizeBytesMax more is not taken.
   * @throws {ServerError} ERR_VOLUME_DOWN; ERR_DATA_UNREADABLE when the server gives more than was asked for.
   */
  async get(name: string, sizeBytesMax: number, range?: ByteRange): Promise<Uint8Array | undefined> {
    const { bucket: Bucket } = this.#place;
    const Range = range && `bytes=${range.offsetBytes}-${range.offsetBytes + range.sizeBytes - 1}`;
    try {
      return await this.#inTime(async (abortSignal) => {
        const command = new GetObjectCommand({ Bucket, Key: name, ...(Range && { Range }) });
        const { Body, ContentLength } = await this.#client.send(command, { abortSignal });
        if (!Body || ContentLength === undefined || ContentLength > sizeBytesMax) {
          (Body as { destroy?: () => void } | undefined)?.destroy?.();
          throw new ServerError("ERR_DATA_UNREADABLE", `bucket gives ${ContentLength} bytes of ${name}`);
        }
        return Body.transformToByteArray();
      });
    } catch (error) {
      const status = statusOf(error);
      if (status === 404 || status === 416) return undefined;
      throw error instanceof ServerError ? error : failure(error, "reading");
    }
  }

  /** Objects whose name begins so, a page at a time. @throws {ServerError} ERR_VOLUME_DOWN. */
  async *list(prefix: string): AsyncGenerator<readonly ListedObject[]> {
    let token: string | undefined;
    do {
      const from = token && { ContinuationToken: token };
      const command = new ListObjectsV2Command({ Bucket: this.#place.bucket, Prefix: prefix, ...from });
      const page = await this.#inTime((abortSignal) => this.#client.send(command, { abortSignal })).catch(
        (error: unknown) => {
          throw failure(error, "listing");
        },
      );
      yield (page.Contents ?? []).map(({ Key = "", Size = 0 }) => ({ name: Key, sizeBytes: Size }));
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /** Removes an object; one that is not there is removed. @throws {ServerError} ERR_VOLUME_DOWN. */
  async remove(name: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#place.bucket, Key: name });
    await this.#inTime((abortSignal) => this.#client.send(command, { abortSignal })).catch((error: unknown) => {
      throw failure(error, "removing");
    });
  }

  /** Whether the server lets this caller list the bucket; the HTTP status when it does not. */
  async askList(): Promise<"allowed" | number> {
    const command = new ListObjectsV2Command({ Bucket: this.#place.bucket, MaxKeys: 1 });
    try {
      await this.#inTime((abortSignal) => this.#client.send(command, { abortSignal }));
      return "allowed";
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined || status >= 500) throw failure(error, "listing");
      return status;
    }
  }

  /** Whether the bucket says that it can lock objects. */
  async hasObjectLock(): Promise<boolean> {
    const command = new GetObjectLockConfigurationCommand({ Bucket: this.#place.bucket });
    try {
      const answer = await this.#inTime((abortSignal) => this.#client.send(command, { abortSignal }));
      return answer.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled";
    } catch {
      return false;
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #inTime<T>(call: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new ServerError("ERR_VOLUME_DOWN", `bucket did not answer within ${this.#deadlineMs} ms`));
        stop.abort();
      }, this.#deadlineMs);
    });
    try {
      return await Promise.race([call(stop.signal), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
