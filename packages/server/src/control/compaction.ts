/**
 * Compaction: frees the space of what no row names any more.
 *
 * A pack of which enough is dead is written anew without it: live frames are appended to the same volume byte for byte and
 * synced, then their rows are moved, and after a while, when nobody can be reading there, the old pack is removed. Whatever
 * crashes between leaves either frames without rows, which a later run removes, or a pack without rows.
 *
 * Source: docs/format.md §15.
 */
import { sha256 } from "@pericard/crypto";
import { parsePackage, ProtocolError, type RecordingId } from "@pericard/protocol";
import type { Catalog, PlaceMove } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import {
  STORED_KIND,
  type Copy,
  type PackEntry,
  type PackFile,
  type StoredItem,
  type Volume,
} from "../volumes/volume.ts";

export interface CompactionOptions {
  /** Share of a pack that must be dead, 0 to 1. */
  readonly deadShareMin: number;
  /** How long a pack must have been seen before a package in it without a row is garbage: it may have one soon. */
  readonly strayGraceMs: number;
  /** How long a pack without rows is kept for those who are reading there. */
  readonly readGraceMs: number;
  /** Bytes of packs that are gone through in a second, unless it is to be now. */
  readonly bytesPerSecond: number;
}

export const COMPACTION_DEFAULTS: CompactionOptions = {
  deadShareMin: 0.25,
  strayGraceMs: 3_600_000,
  readGraceMs: 30_000,
  bytesPerSecond: 8 * 1024 * 1024,
};

/** How fast: in the background, or as fast as the disks allow. */
export type CompactionPace = "background" | "now";

/** What a run has done so far. */
export interface CompactionProgress {
  readonly packsSeen: number;
  readonly packsWrittenAnew: number;
  readonly packsRemoved: number;
  readonly freedBytes: number;
  /** Volumes that could not be gone through, with the reason. */
  readonly left: readonly { readonly volumeId: string; readonly reason: string }[];
}

export interface CompactionParts extends CompactionOptions {
  readonly catalog: Catalog;
  readonly keyStore: KeyStorePort;
  /** Volumes that are open now. */
  readonly volumes: () => readonly Volume[];
  /** Puts stubs on the volumes that are not there yet: what they stand for goes now. */
  readonly packStubs: () => Promise<void>;
  readonly monotonicMs: () => number;
  /** Waits; returns early when the server stops. */
  readonly sleep: (ms: number) => Promise<void>;
}

const APPEND_BYTES = 4 * 1024 * 1024;
const NOTHING: CompactionProgress = { packsSeen: 0, packsWrittenAnew: 0, packsRemoved: 0, freedBytes: 0, left: [] };

/** What is to become of the frames of a pack. */
interface Verdict {
  readonly live: readonly PackEntry[];
  /** Whether something in it may get a row yet. */
  readonly isYoung: boolean;
}

/** One run at a time over all volumes. */
export class Compactor {
  readonly #parts: CompactionParts;
  readonly #firstSeen = new Map<string, number>();
  #running: Promise<CompactionProgress> | undefined;
  #progress = NOTHING;
  #isClosed = false;

  constructor(parts: CompactionParts) {
    this.#parts = parts;
  }

  /** How far the run under way is, or how the last one ended. */
  get progress(): CompactionProgress {
    return this.#progress;
  }

  /** Begins a run, or joins the one that is under way. @throws {ServerError} ERR_STORE_UNAVAILABLE when stubs cannot be stored. */
  run(pace: CompactionPace): Promise<CompactionProgress> {
    this.#running ??= this.#run(pace).finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Ends the run under way after what it is doing. */
  close(): void {
    this.#isClosed = true;
  }

  async #run(pace: CompactionPace): Promise<CompactionProgress> {
    this.#progress = NOTHING;
    await this.#parts.packStubs();
    const emptied: { volume: Volume; pack: PackFile }[] = [];
    for (const volume of this.#parts.volumes()) {
      try {
        for (const pack of await this.#packsOf(volume, pace)) emptied.push({ volume, pack });
      } catch (error) {
        this.#leave(volume, error);
      }
    }
    if (emptied.length > 0) await this.#parts.sleep(this.#parts.readGraceMs);
    for (const { volume, pack } of emptied)
      await this.#remove(volume, pack).catch((error) => this.#leave(volume, error));
    return this.#progress;
  }

  #leave({ id: volumeId }: Volume, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#progress = { ...this.#progress, left: [...this.#progress.left, { volumeId, reason }] };
  }

  /** Goes through one volume. @returns packs that nothing needs any more. */
  async #packsOf(volume: Volume, pace: CompactionPace): Promise<readonly PackFile[]> {
    const { catalog, bytesPerSecond, sleep } = this.#parts;
    if (pace === "now") await volume.endPack();
    const live = new Map((await catalog.sumPlaces(volume.id)).map((row) => [row.fileNumber, row.liveBytes]));
    const emptied: PackFile[] = [];
    for (const pack of await volume.listPacks()) {
      if (this.#isClosed) break;
      const begunMs = this.#noteSeen(volume, pack);
      this.#progress = { ...this.#progress, packsSeen: this.#progress.packsSeen + 1 };
      if (!this.#isWorthIt(pack, live.get(pack.fileNumber) ?? 0)) continue;
      if (await this.#writeAnew(volume, pack, begunMs)) emptied.push(pack);
      if (pace === "background") await sleep((pack.sizeBytes * 1000) / bytesPerSecond);
    }
    return emptied;
  }

  #isWorthIt({ sizeBytes }: PackFile, liveBytes: number): boolean {
    return sizeBytes > 0 && (sizeBytes - liveBytes) / sizeBytes >= this.#parts.deadShareMin;
  }

  /** When the pack was first seen complete. Numbers of packs are not given twice while the volume is open. */
  #noteSeen({ id }: Volume, { fileNumber }: PackFile): number {
    const key = `${id}/${fileNumber}`;
    const seenMs = this.#firstSeen.get(key) ?? this.#parts.monotonicMs();
    this.#firstSeen.set(key, seenMs);
    return seenMs;
  }

  /** Copies what lives and moves its rows. Whether the pack can go. */
  async #writeAnew(volume: Volume, pack: PackFile, seenMs: number): Promise<boolean> {
    const { catalog, monotonicMs, strayGraceMs } = this.#parts;
    const entries = await volume.listPack(pack.fileNumber);
    const { live, isYoung } = await this.#judge(volume, pack, entries);
    if (isYoung && monotonicMs() - seenMs < strayGraceMs) return false;
    const liveBytes = live.reduce((sum, { copy }) => sum + copy.sizeBytes, 0);
    if (!this.#isWorthIt(pack, liveBytes)) return false;
    for (const group of inGroups(live)) await this.#move(volume, group);
    const { packsWrittenAnew, freedBytes } = this.#progress;
    this.#progress = {
      ...this.#progress,
      packsWrittenAnew: packsWrittenAnew + 1,
      freedBytes: freedBytes + pack.sizeBytes - liveBytes,
    };
    // What is damaged was not moved, and its row keeps the pack for whoever heals it.
    return (await catalog.findPlaces(volume.id, pack.fileNumber)).length === 0;
  }

  /** What a row names lives. */
  async #judge(volume: Volume, { fileNumber }: PackFile, entries: readonly PackEntry[]): Promise<Verdict> {
    const { catalog } = this.#parts;
    const before = new Set(await catalog.findPlaces(volume.id, fileNumber));
    const strays = entries.filter(({ copy }) => !before.has(copy.offsetBytes));
    for (const stray of strays) if (stray.kind !== STORED_KIND.package) await this.#adopt(volume, stray);
    const named = new Set(await catalog.findPlaces(volume.id, fileNumber));
    let isYoung = false;
    for (const { kind, copy } of strays) {
      if (kind === STORED_KIND.package) isYoung ||= !(await this.#isErased(volume, copy));
    }
    return { live: entries.filter(({ copy }) => named.has(copy.offsetBytes)), isYoung };
  }

  /** A statement without a row gets one, unless another copy on this volume has it: the chain rests on statements. */
  async #adopt(volume: Volume, { kind, copy }: PackEntry): Promise<void> {
    const hash = sha256(await volume.read(copy));
    await this.#parts.catalog.keepStatement({ kind, hash, copies: [copy] });
  }

  async #isErased(volume: Volume, copy: Copy): Promise<boolean> {
    const recording = recordingIn(await volume.read(copy));
    return recording !== undefined && (await this.#parts.keyStore.findTombstone(recording)) !== undefined;
  }

  async #move(volume: Volume, group: readonly PackEntry[]): Promise<void> {
    const items: StoredItem[] = [];
    for (const { kind, copy } of group) items.push({ kind, bytes: await volume.read(copy) });
    const copies = await volume.append(items);
    const moves = group.flatMap(({ copy: from }, i): readonly PlaceMove[] => {
      const to = copies[i];
      return to ? [{ from, to }] : [];
    });
    await this.#parts.catalog.movePlaces(moves);
  }

  async #remove(volume: Volume, pack: PackFile): Promise<void> {
    const places = await this.#parts.catalog.findPlaces(volume.id, pack.fileNumber);
    if (places.length > 0) throw new ServerError("ERR_STORE_UNAVAILABLE", `pack ${pack.fileNumber} has rows again`);
    await volume.removePack(pack.fileNumber);
    this.#firstSeen.delete(`${volume.id}/${pack.fileNumber}`);
    this.#progress = { ...this.#progress, packsRemoved: this.#progress.packsRemoved + 1 };
  }
}

/** Whose a package says that it is; undefined when it is none. */
function recordingIn(bytes: Uint8Array): RecordingId | undefined {
  try {
    return parsePackage(bytes).header.recording;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function inGroups(entries: readonly PackEntry[]): readonly (readonly PackEntry[])[] {
  const groups: PackEntry[][] = [];
  let sizeBytes = Infinity;
  for (const entry of entries) {
    if (sizeBytes + entry.copy.sizeBytes > APPEND_BYTES) {
      groups.push([]);
      sizeBytes = 0;
    }
    groups.at(-1)?.push(entry);
    sizeBytes += entry.copy.sizeBytes;
  }
  return groups;
}
