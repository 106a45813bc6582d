/**
 * Which volumes hold the copies of the key store. They are the first of the list in `server.json`. A volume that is drained, or
 * down for long, gives its copy up: another one gets it first, so that there are always as many as there are to be.
 *
 * Source: docs/operating/volumes.md; docs/format.md §12.
 */
import { destroyKeyFolder, type CopyComparison } from "@pericard/custody";
import { dirname } from "node:path";
import type { Logger } from "pino";
import type { Audit } from "../access/audit.ts";
import { keyFolderOf } from "../config.ts";
import { ServerError } from "../errors.ts";
import { compareKeyCopies } from "../keys/compare-copies.ts";
import type { KeyStoreRoom } from "../keys/key-store.ts";
import type { VolumeEntry, VolumeSet } from "../volumes/volume-set.ts";
import type { Drainer } from "./drainer.ts";
import { rest } from "./walk.ts";

/** How long a holder may be down before its copy is made elsewhere. */
const DOWN_MS = 60_000;
const LOOK_MS = 5000;
const COMPARE_EVERY_MS = 24 * 3_600_000;

export interface KeyHoldersParts {
  readonly room: KeyStoreRoom;
  readonly volumes: VolumeSet;
  readonly drainer: Drainer;
  /** Copies that there are to be; 0 where the key store is not on volumes. */
  readonly copyCount: number;
  /** Writes down, durably, that these places come first, and that one comes last. */
  readonly putInOrder: (first: readonly string[], last: string | undefined) => void;
  readonly audit: Audit;
  readonly logger: Logger;
  readonly nowUnixMs: () => number;
  readonly signal: AbortSignal;
}

export class KeyHolders {
  readonly #parts: KeyHoldersParts;
  #work: Promise<void> = Promise.resolve();
  #comparison: CopyComparison | null = null;
  #comparedAtUnixMs = 0;

  constructor(parts: KeyHoldersParts) {
    this.#parts = parts;
  }

  /** Whether a place holds a copy. */
  holds(place: string): boolean {
    return this.#parts.room.folderPaths.includes(keyFolderOf(place));
  }

  start(): void {
    if (this.#parts.copyCount === 0) return;
    this.#watch().catch((err: unknown) =>
      this.#parts.logger.error({ err }, "key store's copies are not watched any more"),
    );
  }

  /**
   * Makes the copies on other volumes; afterwards the place has none.
   *
   * @throws {ServerError} ERR_VOLUME_NEEDED when no other volume can take it.
   */
  async leave(place: string): Promise<void> {
    await this.#inTurn(async () => {
      if (this.holds(place)) await this.#moveFrom(place);
    });
  }

  /** What the last comparison of the copies found; null before the first. */
  get comparison(): CopyComparison | null {
    return this.#comparison;
  }

  /**
   * Compares the copies with each other, and makes those anew whose pages are damaged. Values that differ are named: which is
   * right cannot be told.
   */
  async compare(): Promise<CopyComparison> {
    let found: CopyComparison = { unreadable: [], differences: [] };
    await this.#inTurn(async () => {
      found = await compareKeyCopies(await this.#answeringFolders());
      await this.#makeAnew(found.unreadable);
      await this.#tell(found);
      if (found.differences.length > 0) await this.#readAll();
    });
    this.#comparison = found;
    return found;
  }

  /** Nobody may have a damaged file open when another takes its place: SQLite removes logs by their names. */
  async #makeAnew(damaged: readonly string[]): Promise<void> {
    const { room } = this.#parts;
    const all = room.folderPaths;
    const whole = all.filter((path) => !damaged.includes(path));
    if (damaged.length === 0 || whole.length === 0) return;
    await room.moveTo(whole);
    for (const path of damaged) destroyKeyFolder(path);
    await room.moveTo(all);
  }

  /** Rows that differ are healed by being read. */
  async #readAll(): Promise<void> {
    const { keyStore } = this.#parts.room;
    let position = await keyStore.checkCopies(undefined);
    while (position) position = await keyStore.checkCopies(position);
    await this.#tellDamages();
  }

  /** What reads found since the last look, also those of other processes. */
  async #tellDamages(): Promise<void> {
    const { audit, logger, room } = this.#parts;
    for (const { folder, place, isHealed } of await room.keyStore.takeDamages()) {
      logger.error(
        { code: "ERR_KEYSTORE_DAMAGED", folder, place, healed: isHealed },
        "a copy of the key store is damaged",
      );
      const outcome = isHealed ? "done" : "denied";
      await audit.record({ actor: "key store", action: "heal copy", subject: `${folder}: ${place}`, outcome });
    }
  }

  async #tell({ unreadable, differences }: CopyComparison): Promise<void> {
    const { audit, logger } = this.#parts;
    for (const path of unreadable) {
      logger.error({ path }, "a copy of the key store was damaged and is made anew");
      await audit.record({ actor: "key store", action: "heal copy", subject: path, outcome: "done" });
    }
    for (const { folderPaths, table } of differences) {
      const subject = `${table} in ${folderPaths.join(" and ")}`;
      logger.fatal({ folderPaths, table }, "copies of the key store differ");
      await audit.record({ actor: "key store", action: "find copies that differ", subject, outcome: "done" });
    }
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.#work;
    const turn = before.then(work);
    this.#work = turn.catch(() => undefined);
    await turn;
  }

  async #watch(): Promise<void> {
    const { signal, logger } = this.#parts;
    for (await rest(LOOK_MS, signal); !signal.aborted; await rest(LOOK_MS, signal)) {
      try {
        await this.#inTurn(() => this.#settle());
        await this.#tellDamages();
        if (this.#parts.nowUnixMs() - this.#comparedAtUnixMs < COMPARE_EVERY_MS) continue;
        this.#comparedAtUnixMs = this.#parts.nowUnixMs();
        await this.compare();
      } catch (err) {
        logger.warn({ err }, "a copy of the key store could not be moved: it is tried again");
      }
    }
  }

  /** Fills up what is missing, gives up what is down for long, and removes copies that nobody keeps up. */
  async #settle(): Promise<void> {
    const { room, copyCount, volumes, nowUnixMs } = this.#parts;
    const gone = volumes.entries.find(({ place, report }) => {
      const isAway = report.state === "down" || report.state === "recovering";
      return this.holds(place) && isAway && nowUnixMs() - report.sinceUnixMs >= DOWN_MS;
    });
    if (gone && this.#candidates().length > 0) await this.#moveFrom(gone.place);
    else if (room.folderPaths.length < copyCount && this.#candidates().length > 0) await this.#moveFrom(undefined);
    if (room.folderPaths.length === copyCount) await this.#destroyOld();
  }

  /** Folders that may get a copy. */
  #candidates(): readonly VolumeEntry[] {
    const { volumes, drainer } = this.#parts;
    return volumes.entries.filter(({ place, volume }) => {
      const isFolder = !/^https?:/.test(place);
      return isFolder && volume?.state === "up" && !drainer.stateOf(volume.id) && !this.holds(place);
    });
  }

  /** Folders of the holders that are there: nothing is ever made in the place of a volume that is not mounted. */
  async #answeringFolders(): Promise<readonly string[]> {
    const holders = this.#parts.volumes.entries.filter(({ place }) => this.holds(place));
    return (await answering(holders)).map(keyFolderOf);
  }

  async #moveFrom(leaving: string | undefined): Promise<void> {
    const { room, volumes, copyCount, putInOrder, audit } = this.#parts;
    const staying = volumes.entries.map(({ place }) => place).filter((place) => this.holds(place) && place !== leaving);
    const fresh = await answering(this.#candidates());
    const next = [...staying, ...fresh].slice(0, copyCount);
    if (next.length < Math.min(copyCount, room.folderPaths.length)) {
      throw new ServerError("ERR_VOLUME_NEEDED", "no other volume can take its copy of the key store: add one first");
    }
    // Settings that cannot be written are told before anything is moved.
    putInOrder(room.folderPaths.map(dirname), undefined);
    await room.moveTo(next.map(keyFolderOf));
    putInOrder(next, leaving);
    const subject = `from ${leaving ?? "nowhere"} to ${next.filter((place) => !staying.includes(place)).join(", ")}`;
    await audit.record({ actor: "key store", action: "move copy", subject, outcome: "done" });
    await this.#destroyOld();
  }

  async #destroyOld(): Promise<void> {
    const others = this.#parts.volumes.entries.filter(({ place }) => !/^https?:/.test(place) && !this.holds(place));
    for (const place of await answering(others)) {
      if (!destroyKeyFolder(keyFolderOf(place))) continue;
      await this.#parts.audit.record({
        actor: "key store",
        action: "destroy old copy",
        subject: place,
        outcome: "done",
      });
    }
  }
}

/** Places of the volumes that are up and answer just now. */
async function answering(entries: readonly VolumeEntry[]): Promise<readonly string[]> {
  const places = entries.map(async ({ place, volume }) => {
    const space = volume?.state === "up" ? await volume.space().catch(() => undefined) : undefined;
    return space ? [place] : [];
  });
  return (await Promise.all(places)).flat();
}
