/**
 * Looks after the copies of what lies in packs, one item at a time: finds damaged and missing ones, and makes them again from a
 * whole one, byte for byte. Nothing is opened for it but where two copies that look whole differ.
 *
 * Source: paper B §5.1 (integrity of what is stored); docs/operating/volumes.md.
 */
import { CryptoError, openPackage, sha256 } from "@pericard/crypto";
import { equalBytes, parsePackage, ProtocolError, releaseBytes, type RecordingId } from "@pericard/protocol";
import type { Catalog, CopiedItem } from "../catalog/catalog.ts";
import { codeOf } from "../errors.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { VolumeSet } from "../volumes/volume-set.ts";
import { STORED_KIND, type Copy } from "../volumes/volume.ts";
import type { ControlArea } from "./control-area.ts";

/** What was wrong with a copy, and where it lies now; null when it could not be made again yet. */
export interface Finding {
  readonly copy: Copy;
  readonly what: "unreadable" | "another item" | "altered";
  readonly healed: Copy | null;
}

/** What became of one item. */
export interface CareReport {
  readonly bytesRead: number;
  readonly findings: readonly Finding[];
  /** Copies that were missing and were made. */
  readonly made: number;
  /** Copies that are missing still: no volume could take them. */
  readonly missing: number;
  /** No copy is whole, though every volume that has one answered. */
  readonly isLost: boolean;
}

/** Which copies are to be relied on. */
export interface Presence {
  /** Whether a volume is one of the installation's, wherever it may be just now. */
  isKnown(volumeId: string): boolean;
  /** Whether copies on a volume count: it is known, and was not away for long. */
  counts(volumeId: string): boolean;
}

export interface CopyCareParts {
  readonly catalog: Catalog;
  readonly volumes: VolumeSet;
  readonly control: ControlArea;
  readonly recordingKeys: RecordingKeys;
  readonly copyCount: number;
  readonly presence: Presence;
}

/** One copy as it was found. */
interface Sighting {
  readonly copy: Copy;
  readonly bytes: Uint8Array | undefined;
  /** undefined when it is whole, or when its volume did not answer. */
  readonly what: Finding["what"] | undefined;
  /** Whether segments are read from it. What a failed upload left and a rebuild found has none. */
  readonly isUsed: boolean;
}

const NOTHING: CareReport = { bytesRead: 0, findings: [], made: 0, missing: 0, isLost: false };

const samePlace = (a: Copy, b: Copy): boolean =>
  a.volumeId === b.volumeId && a.fileNumber === b.fileNumber && a.offsetBytes === b.offsetBytes;

export class CopyCare {
  readonly #parts: CopyCareParts;

  constructor(parts: CopyCareParts) {
    this.#parts = parts;
  }

  /** Reads every copy that can be read, heals what is damaged, and makes what is missing. */
  async check(item: CopiedItem): Promise<CareReport> {
    const sightings = await this.#lookAtAll(item, item.copies);
    try {
      return await this.#settle(item, sightings);
    } finally {
      for (const { bytes } of sightings) if (bytes) releaseBytes(bytes);
    }
  }

  /** Makes missing copies. An item that has enough is not read. */
  async complete(item: CopiedItem): Promise<CareReport> {
    return this.#missingOf(item.copies) > 0 ? this.check(item) : NOTHING;
  }

  /**
   * Takes an item's copy from a volume: to another one, unless there are enough without it.
   *
   * @returns whether the volume has none of it any more.
   */
  async moveAway(item: CopiedItem, volumeId: string): Promise<boolean> {
    const leaving = item.copies.find((copy) => copy.volumeId === volumeId);
    if (!leaving) return true;
    const { catalog } = this.#parts;
    const staying = item.copies.filter((copy) => copy !== leaving);
    if (this.#missingOf(staying) === 0) return this.#gone(item, await catalog.replaceCopy(item.key, leaving, null));
    const sightings = await this.#lookAtAll(item, [leaving, ...staying]);
    try {
      const source = sightings.find(({ bytes, what }) => bytes && !what)?.bytes;
      if (!source) return false;
      const target = this.#targetFor(item.copies);
      const next = target && (await this.#append(target, item, source));
      return next ? this.#gone(item, await catalog.replaceCopy(item.key, leaving, next)) : false;
    } finally {
      for (const { bytes } of sightings) if (bytes) releaseBytes(bytes);
    }
  }

  /** What could not be replaced may be gone altogether, or moved by somebody else: the next look tells. */
  async #gone({ key }: CopiedItem, isReplaced: boolean): Promise<boolean> {
    return isReplaced || (await this.#parts.catalog.findCopied(key)) === null;
  }

  async #lookAtAll(item: CopiedItem, copies: readonly Copy[]): Promise<readonly Sighting[]> {
    const found = await Promise.all(copies.map((copy) => this.#look(item, copy)));
    const isUsed = found.some((one) => one.isUsed);
    const known = found.map((one) =>
      isUsed && one.bytes && !one.what && !one.isUsed ? { ...one, what: "another item" as const } : one,
    );
    const whole = known.filter(({ bytes, what }) => bytes && !what);
    const [first] = whole;
    if (whole.every(({ bytes }) => bytes && first?.bytes && equalBytes(bytes, first.bytes))) return known;
    return Promise.all(known.map((one) => this.#judgeAltered(item.recording, one)));
  }

  async #look(item: CopiedItem, copy: Copy): Promise<Sighting> {
    const seen = { copy, bytes: undefined, what: undefined, isUsed: false };
    const volume = this.#parts.volumes.find(copy.volumeId);
    if (!volume) return seen;
    try {
      const bytes = await volume.read(copy);
      return { ...seen, bytes, ...(await this.#identify(item, bytes)) };
    } catch (error) {
      if (codeOf(error) === "ERR_DATA_UNREADABLE") return { ...seen, what: "unreadable" };
      if (codeOf(error) === "ERR_VOLUME_DOWN") return seen;
      throw error;
    }
  }

  /** Whether bytes are the item that the catalog means. */
  async #identify(item: CopiedItem, bytes: Uint8Array): Promise<Pick<Sighting, "what" | "isUsed">> {
    const another = { what: "another item", isUsed: false } as const;
    if (item.kind !== STORED_KIND.package) {
      return item.hash && equalBytes(sha256(bytes), item.hash) ? { what: undefined, isUsed: true } : another;
    }
    try {
      const { recording, stream, items } = parsePackage(bytes).header;
      if (recording !== item.recording) return another;
      const hashes = new Map(items.map(({ sequence, hash }) => [sequence, hash]));
      const [from, to] = [Math.min(...hashes.keys()), Math.max(...hashes.keys())];
      const rows = await this.#parts.catalog.findItemHashes(item.key, recording, stream, from, to);
      const fits = rows.every(({ sequence, hash }) => equalBytes(hash, hashes.get(sequence) ?? new Uint8Array(0)));
      return fits ? { what: undefined, isUsed: rows.length > 0 } : another;
    } catch (error) {
      if (error instanceof ProtocolError) return another;
      throw error;
    }
  }

  /** Of copies that look whole and differ, those that do not open were altered. */
  async #judgeAltered(recording: RecordingId | null, seen: Sighting): Promise<Sighting> {
    if (!seen.bytes || seen.what || !recording) return seen;
    const { dataKey } = await this.#parts.recordingKeys.get(recording);
    try {
      for (const data of openPackage(dataKey, parsePackage(seen.bytes)).data) releaseBytes(data);
      return seen;
    } catch (error) {
      if (error instanceof CryptoError || error instanceof ProtocolError) return { ...seen, what: "altered" };
      throw error;
    }
  }

  async #settle(item: CopiedItem, sightings: readonly Sighting[]): Promise<CareReport> {
    const bytesRead = sightings.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
    const bad = sightings.filter(({ what }) => what !== undefined);
    const missing = this.#missingOf(item.copies);
    if (bad.length === 0 && missing === 0) return { ...NOTHING, bytesRead };
    // Copies may have been moved, or the item erased, since the catalog was asked.
    const now = await this.#parts.catalog.findCopied(item.key);
    const isSame = now?.copies.every((copy) => item.copies.some((one) => samePlace(one, copy)));
    if (!now || !isSame) return { ...NOTHING, bytesRead };
    const source = sightings.find(({ bytes, what }) => bytes && !what)?.bytes;
    if (!source) {
      const isLost = sightings.every(({ what }) => what !== undefined);
      const findings = bad.map(({ copy, what }) => ({ copy, what: what ?? "unreadable", healed: null }));
      return { bytesRead, findings, made: 0, missing, isLost };
    }
    const findings = await this.#heal(item, bad, source);
    return { bytesRead, findings, ...(await this.#makeMissing(item.key, source)), isLost: false };
  }

  async #heal(item: CopiedItem, bad: readonly Sighting[], source: Uint8Array): Promise<readonly Finding[]> {
    const findings: Finding[] = [];
    for (const { copy, what = "unreadable" } of bad) {
      const others = item.copies.filter((one) => one !== copy);
      const target = this.#targetFor(others, copy.volumeId);
      const next = target === undefined ? undefined : await this.#append(target, item, source);
      const isReplaced = next !== undefined && (await this.#parts.catalog.replaceCopy(item.key, copy, next));
      findings.push({ copy, what, healed: isReplaced ? next : null });
    }
    return findings;
  }

  async #makeMissing(key: number, source: Uint8Array): Promise<Pick<CareReport, "made" | "missing">> {
    const { catalog, presence } = this.#parts;
    for (let made = 0; ; made += 1) {
      const item = await catalog.findCopied(key);
      const missing = item ? this.#missingOf(item.copies) : 0;
      const target = item && missing > 0 ? this.#targetFor(item.copies) : undefined;
      const next = item && target !== undefined ? await this.#append(target, item, source) : undefined;
      if (!item || !next) return { made, missing };
      const lost = item.copies.find(({ volumeId }) => !presence.isKnown(volumeId)) ?? null;
      if (!(await catalog.replaceCopy(key, lost, next))) return { made, missing };
    }
  }

  #missingOf(copies: readonly Copy[]): number {
    const counting = copies.filter(({ volumeId }) => this.#parts.presence.counts(volumeId)).length;
    return Math.max(0, this.#parts.copyCount - counting);
  }

  /** A volume that takes packages and has no copy: the preferred one, else the one with the shortest queue. */
  #targetFor(copies: readonly Copy[], preferred?: string): string | undefined {
    const taken = new Set(copies.map(({ volumeId }) => volumeId));
    const { channels } = this.#parts.control.state;
    const free = channels
      .filter(({ volumeId, state }) => ["idle", "busy"].includes(state) && !taken.has(volumeId))
      .toSorted((a, b) => a.itemsUnderWay - b.itemsUnderWay);
    return (free.find(({ volumeId }) => volumeId === preferred) ?? free[0])?.volumeId;
  }

  /** undefined when the volume did not take it. */
  async #append(volumeId: string, { kind }: CopiedItem, bytes: Uint8Array): Promise<Copy | undefined> {
    try {
      return await this.#parts.control.storeOn(volumeId, { kind, bytes });
    } catch (error) {
      if (["ERR_VOLUME_DOWN", "ERR_VOLUME_FULL", "ERR_STORE_UNAVAILABLE"].includes(codeOf(error) ?? ""))
        return undefined;
      throw error;
    }
  }
}
