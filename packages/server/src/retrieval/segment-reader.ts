/** Reads segments back: whichever copy is whole, opened and decoded. */
import { startThread, type Thread } from "../threads/thread.ts";
import type { RecordingId } from "@pericard/protocol";
import type { SegmentPlacement } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import { Lru } from "../keys/lru.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { Volume } from "../volumes/volume.ts";
import type { DecodedSegment, DecodeMethods } from "./decode-thread.ts";

const MODULE = new URL("./decode-thread.ts", import.meta.url);
const METHODS = ["decode", "summariseBody", "summarisePackage", "openSummaries"] as const;
/** Decoded segments that are remembered: 10 s of 12 leads at 500 Hz are 240 kB. */
const DECODED_MAX = 64;

export class SegmentReader {
  readonly #volumes: ReadonlyMap<string, Volume>;
  readonly #recordingKeys: RecordingKeys;
  readonly #thread: Thread<DecodeMethods>;
  readonly #decoded = new Lru<string, Promise<DecodedSegment>>(DECODED_MAX);

  constructor(volumes: readonly Volume[], recordingKeys: RecordingKeys) {
    this.#volumes = new Map(volumes.map((volume) => [volume.id, volume]));
    this.#recordingKeys = recordingKeys;
    this.#thread = startThread<DecodeMethods>(MODULE, {}, METHODS);
  }

  /** The thread's functions, for summaries. */
  get decoder(): Thread<DecodeMethods>["calls"] {
    return this.#thread.calls;
  }

  /** Bytes of the package that holds a segment, from the first copy that is whole. @throws {ServerError} ERR_DATA_UNREADABLE. */
  async readPackage(placement: SegmentPlacement): Promise<Uint8Array> {
    const causes: unknown[] = [];
    for (const copy of placement.copies) {
      try {
        const volume = this.#volumes.get(copy.volumeId);
        if (volume) return await volume.read(copy);
        causes.push(new ServerError("ERR_VOLUME_DOWN", `volume ${copy.volumeId} is not here`));
      } catch (cause) {
        causes.push(cause);
      }
    }
    throw new ServerError("ERR_DATA_UNREADABLE", `none of ${placement.copies.length} copies can be read`, {
      cause: new AggregateError(causes),
    });
  }

  /** Exact samples of one segment. @throws {ServerError} ERR_DATA_UNREADABLE when no copy opens. */
  readSegment(recording: RecordingId, placement: SegmentPlacement): Promise<DecodedSegment> {
    const name = `${recording}/${placement.sequence}`;
    const known = this.#decoded.get(name);
    if (known) return known;
    const decoded = this.#decode(recording, placement);
    this.#decoded.set(name, decoded);
    decoded.catch(() => this.#decoded.delete(name));
    return decoded;
  }

  async #decode(recording: RecordingId, placement: SegmentPlacement): Promise<DecodedSegment> {
    const { dataKey } = await this.#recordingKeys.get(recording);
    const causes: unknown[] = [];
    for (const copy of placement.copies) {
      try {
        const bytes = await this.readPackage({ ...placement, copies: [copy] });
        return await this.decoder.decode(bytes, dataKey, placement.item);
      } catch (cause) {
        causes.push(cause);
      }
    }
    throw new ServerError("ERR_DATA_UNREADABLE", `segment ${placement.sequence} opens from no copy`, {
      cause: new AggregateError(causes),
    });
  }

  close(): void {
    this.#thread.end();
  }
}
