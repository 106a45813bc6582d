/**
 * The port of a file system: one place that stores packages.
 *
 * Source: paper B §3; docs/format.md §10; docs/operating/volumes.md.
 */
import type { FramePosition } from "@pericard/framelog";

/** What a stored frame is. */
export const STORED_KIND = { package: 1, gap: 2, stubs: 3 } as const;
export type StoredKind = (typeof STORED_KIND)[keyof typeof STORED_KIND];

/** Something to store, sealed or signed before it comes here. */
export interface StoredItem {
  readonly kind: StoredKind;
  readonly bytes: Uint8Array;
}

/** One copy: where an item lies. */
export interface Copy extends FramePosition {
  readonly volumeId: string;
}

/** What a scan of a volume gives. */
export interface ScannedItem extends StoredItem {
  readonly copy: Copy;
}

/**
 * How a volume is. `recovering` was down, answers again, and is being probed: it gets nothing until it has written, synced
 * and read back a probe. Source: paper B §3 (idle detection).
 */
export type VolumeState = "up" | "full" | "down" | "recovering";

/** Why a volume is as it is, for those who look after it. */
export interface VolumeReport {
  readonly state: VolumeState;
  /** What failed; null while nothing does. Names no contents. */
  readonly reason: string | null;
  readonly sinceUnixMs: number;
}

/** Room of a volume; null where it does not tell. */
export interface VolumeSpace {
  readonly packBytes: number | null;
  readonly freeBytes: number | null;
}

/** A pack that nothing is written to any more. */
export interface PackFile {
  readonly fileNumber: number;
  readonly sizeBytes: number;
}

/** A whole frame of a pack, without its bytes. */
export interface PackEntry {
  readonly kind: StoredKind;
  readonly copy: Copy;
}

/** One file system. */
export interface Volume {
  readonly id: string;
  /** Where it is, as settings name it: a folder or a bucket's address. */
  readonly place: string;
  readonly state: VolumeState;
  readonly report: VolumeReport;
  /**
   * Appends all items with one sync. They are durable when it resolves.
   *
   * @throws {ServerError} ERR_VOLUME_DOWN when the deadline passed, the disk failed or it is not up yet, ERR_VOLUME_FULL when
   * it is full; the items may or may not be there then.
   */
  append(items: readonly StoredItem[]): Promise<readonly Copy[]>;
  /** @throws {ServerError} ERR_DATA_UNREADABLE when the copy is damaged or gone, ERR_VOLUME_DOWN. */
  read(copy: Copy): Promise<Uint8Array>;
  /** Everything whole in the volume, made durable before it is given, a few items at a time. */
  scan(): AsyncGenerator<readonly ScannedItem[]>;
  /** Ends the pack that is being written: what is appended next goes to another. @throws {ServerError} ERR_VOLUME_DOWN. */
  endPack(): Promise<void>;
  /** Packs that are complete, rising by number. @throws {ServerError} ERR_VOLUME_DOWN. */
  listPacks(): Promise<readonly PackFile[]>;
  /** Every whole frame of a pack in order of place; what is damaged is left out. @throws {ServerError} ERR_VOLUME_DOWN. */
  listPack(fileNumber: number): Promise<readonly PackEntry[]>;
  /** Removes a complete pack, durably. One that is not there is removed. @throws {ServerError} ERR_VOLUME_DOWN. */
  removePack(fileNumber: number): Promise<void>;
  /** @throws {ServerError} ERR_VOLUME_DOWN. */
  space(): Promise<VolumeSpace>;
  close(): Promise<void>;
}
