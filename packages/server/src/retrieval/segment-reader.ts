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
const HEAP_MEGABYTES_MAX = 64;
const METHODS = ["decode", "summariseBody", "summarisePackage", "openSummaries"] as const;
/** Decoded segments that are remembered: 10 s of 12 leads at 500 Hz are 240 kB. */
const DECODED_MAX = 16;
/** A longer segment is not remembered: 64 of the longest would be a gigabyte. */
const REMEMBERED_BYTES_MAX = 1024 * 1024;

function isLarge(leads: readonly Int32Array[]): boolean {
  return leads.reduce((sum, lead) => sum + lead.byteLength, 0) > REMEMBERED_BYTES_MAX;
}

export class SegmentReader {
  readonly #volumes: ReadonlyMap<string, Volume>;
  readonly #recordingKeys: RecordingKeys;
  readonly #thread: Thread<DecodeMethods>;
  readonly #decoded = new Lru<string, Promise<DecodedSegment>>(DECODED_MAX);

  constructor(volumes: readonly Volume[], recordingKeys: RecordingKeys) {
    this.#volumes = new Map(volumes.map((volume) => [volume.id, volume]));
    this.#recordingKeys = recordingKeys;
    this.#thread = startThread<DecodeMethods>(MODULE, {}, METHODS, HEAP_MEGABYTES_MAX);
  }

  /** The thread's functions, for summaries. */
  get decoder(): Thread<DecodeMethods>["calls"] {
    return this.#thread.calls;
  }

  /**
   * Gives the package that holds a segment to `open`, copy after copy, until one is whole and opens.
   *
   * @throws {ServerError} ERR_DATA_UNREADABLE when none does.
   */
  async fromAnyCopy<T>(placement: SegmentPlacement, open: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    const causes: unknown[] = [];
    for (const copy of placement.copies) {
      try {
        const volume = this.#volumes.get(copy.volumeId);
        if (volume) return await open(await volume.read(copy));
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

  /** Exact samples of one segment. @throws {ServerError} ERR_DATA_UNREADABLE when no copy opens. */
  async readSegment(recording: RecordingId, placement: SegmentPlacement): Promise<DecodedSegment> {
    const [segment] = await this.readSegments(recording, [placement]);
    return segment as DecodedSegment;
  }

  /**
   * Exact samples of segments, in any order. A package is read and opened once for all of its segments, since it is many
   * times as large as one of them.
   *
   * @throws {ServerError} ERR_DATA_UNREADABLE when a segment opens from no copy.
   */
  readSegments(recording: RecordingId, placements: readonly SegmentPlacement[]): Promise<readonly DecodedSegment[]> {
    const groups = [...Map.groupBy(placements, packageOf).values()];
    return Promise.all(groups.flatMap((group) => this.#readGroup(recording, group)));
  }

  #readGroup(recording: RecordingId, group: readonly SegmentPlacement[]): readonly Promise<DecodedSegment>[] {
    const names = group.map(({ sequence }) => `${recording}/${sequence}`);
    const known = names.map((name) => this.#decoded.get(name));
    const unknown = group.filter((_, i) => !known[i]);
    const decoded = unknown.length > 0 ? this.#decode(recording, unknown) : Promise.resolve([]);
    return group.map((one, i) => known[i] ?? this.#remember(names[i] ?? "", decoded, unknown.indexOf(one)));
  }

  #remember(name: string, decoded: Promise<readonly DecodedSegment[]>, place: number): Promise<DecodedSegment> {
    const segment = decoded.then((segments) => segments[place] as DecodedSegment);
    this.#decoded.set(name, segment);
    segment.then(
      ({ leads }) => isLarge(leads) && this.#decoded.delete(name),
      () => this.#decoded.delete(name),
    );
    return segment;
  }

  /** Decodes segments of one package. */
  async #decode(recording: RecordingId, group: readonly SegmentPlacement[]): Promise<readonly DecodedSegment[]> {
    const { dataKey } = await this.#recordingKeys.get(recording);
    const [first] = group as readonly [SegmentPlacement];
    const items = group.map(({ item }) => item);
    return this.fromAnyCopy(first, (bytes) => this.decoder.decode(bytes, dataKey, items));
  }

  close(): void {
    this.#thread.end();
  }
}

/** Names the package that holds a segment, by where its first copy lies. */
function packageOf({ copies }: SegmentPlacement): string {
  const [first] = copies;
  return first ? `${first.volumeId}/${first.fileNumber}/${first.offsetBytes}` : "";
}
