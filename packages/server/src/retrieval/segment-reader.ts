/** Reads segments back: whichever copy is whole, opened and decoded. */
import { startThread, type Thread } from "../threads/thread.ts";
import { releaseBytes, type RecordingId } from "@pericard/protocol";
import type { SegmentPlacement } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { VolumeSet } from "../volumes/volume-set.ts";
import type { ReadObservations } from "./decode-observations.ts";
import type { DecodedSegment, DecodeMethods, SealedSummary } from "./decode-thread.ts";

const MODULE = new URL("./decode-thread.ts", import.meta.url);
const HEAP_MEGABYTES_MAX = 64;
const METHODS = ["decode", "bodies", "openObservations", "summariseBody", "summarisePackage", "openSummaries"] as const;

export class SegmentReader {
  readonly #volumes: Pick<VolumeSet, "find">;
  readonly #recordingKeys: RecordingKeys;
  readonly #thread: Thread<DecodeMethods>;

  constructor(volumes: Pick<VolumeSet, "find">, recordingKeys: RecordingKeys) {
    this.#volumes = volumes;
    this.#recordingKeys = recordingKeys;
    this.#thread = startThread<DecodeMethods>(MODULE, {}, METHODS, HEAP_MEGABYTES_MAX);
  }

  /** The thread's functions, for summaries. */
  get decoder(): Thread<DecodeMethods>["calls"] {
    return this.#thread.calls;
  }

  /**
   * Gives the package that holds a segment to `open`, copy after copy, until one is whole and opens. `open` sends the bytes
   * to the thread before it returns; their memory here is given back then.
   *
   * @throws {ServerError} ERR_DATA_UNREADABLE when none does.
   */
  async #fromAnyCopy<T>(placement: SegmentPlacement, open: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    const causes: unknown[] = [];
    for (const copy of placement.copies) {
      try {
        const volume = this.#volumes.find(copy.volumeId);
        if (volume) return await sendAway(await volume.read(copy), open);
        causes.push(new ServerError("ERR_VOLUME_DOWN", `volume ${copy.volumeId} is not here`));
      } catch (cause) {
        causes.push(cause);
      }
    }
    const { sequence, copies } = placement;
    throw new ServerError("ERR_DATA_UNREADABLE", `segment ${sequence} opens from none of ${copies.length} copies`, {
      cause: new AggregateError(causes),
    });
  }

  /**
   * Exact samples of segments, in any order. A package is read and opened once for all of its segments, since it is many
   * times as large as one of them.
   *
   * @throws {ServerError} ERR_DATA_UNREADABLE when a segment opens from no copy.
   */
  async readSegments(
    recording: RecordingId,
    placements: readonly SegmentPlacement[],
  ): Promise<readonly DecodedSegment[]> {
    const { dataKey } = await this.#recordingKeys.get(recording);
    const groups = [...Map.groupBy(placements, packageOf).values()];
    const decoded = groups.map((group) => {
      const items = group.map(({ item }) => item);
      return this.#fromAnyCopy(group[0] as SegmentPlacement, (bytes) => this.decoder.decode(bytes, dataKey, items));
    });
    return (await Promise.all(decoded)).flat();
  }

  /**
   * Contents of segments of one package, as their terminal sealed them.
   *
   * @param placements at least one, all with the same copies. @throws {ServerError} ERR_DATA_UNREADABLE when none opens.
   */
  async readBodies(recording: RecordingId, placements: readonly SegmentPlacement[]): Promise<readonly Uint8Array[]> {
    const { dataKey } = await this.#recordingKeys.get(recording);
    const items = placements.map(({ item }) => item);
    return this.#fromAnyCopy(placements[0] as SegmentPlacement, (bytes) => this.decoder.bodies(bytes, dataKey, items));
  }

  /**
   * Observations of segments, package after package.
   *
   * @throws {ServerError} ERR_DATA_UNREADABLE when a segment opens from no copy.
   */
  async readObservations(
    recording: RecordingId,
    placements: readonly SegmentPlacement[],
  ): Promise<readonly ReadObservations[]> {
    const { dataKey } = await this.#recordingKeys.get(recording);
    const read: ReadObservations[] = [];
    for (const group of Map.groupBy(placements, packageOf).values()) {
      const items = group.map(({ item }) => item);
      const open = (bytes: Uint8Array) => this.decoder.openObservations(bytes, dataKey, items);
      read.push(...(await this.#fromAnyCopy(group[0] as SegmentPlacement, open)));
    }
    return read;
  }

  /**
   * Makes the summaries of segments, package after package.
   *
   * @throws {ServerError} ERR_DATA_UNREADABLE when a package opens from no copy.
   */
  async summarise(
    recording: RecordingId,
    stream: number,
    placements: readonly SegmentPlacement[],
  ): Promise<readonly SealedSummary[]> {
    const { dataKey } = await this.#recordingKeys.get(recording);
    const of = { recording, stream, dataKey };
    const made: SealedSummary[] = [];
    for (const group of Map.groupBy(placements, packageOf).values()) {
      const places = group.map(({ item, sequence }) => ({ item, sequence }));
      const open = (bytes: Uint8Array) => this.decoder.summarisePackage(bytes, of, places);
      made.push(...(await this.#fromAnyCopy(group[0] as SegmentPlacement, open)));
    }
    return made;
  }

  close(): void {
    this.#thread.end();
  }
}

/** Calls a function that sends bytes to a thread, and gives back what they took here. */
function sendAway<T>(bytes: Uint8Array, send: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  const answer = send(bytes);
  releaseBytes(bytes);
  return answer;
}

/** Names the package that holds a segment, by where its first copy lies. */
export function packageOf({ copies }: SegmentPlacement): string {
  const [first] = copies;
  return first ? `${first.volumeId}/${first.fileNumber}/${first.offsetBytes}` : "";
}
