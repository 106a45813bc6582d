/**
 * Which volumes are an installation's, and on which copies may be relied on. A volume that is away for a short time is
 * waited for; after that its copies are made again elsewhere.
 */
import type { Catalog } from "../catalog/catalog.ts";
import type { VolumeSet } from "../volumes/volume-set.ts";
import type { Presence } from "./copy-care.ts";

/** How long a volume may be away before its copies do not count any more. */
export const AWAY_MS = 3_600_000;

const PREFIX = "volume ";

/** Remembers which volume is at which place, so that one that does not open is still known. */
export class VolumePresence implements Presence {
  readonly #volumes: VolumeSet;
  readonly #catalog: Catalog;
  readonly #nowUnixMs: () => number;
  readonly #placeOf = new Map<string, string>();

  constructor(volumes: VolumeSet, catalog: Catalog, nowUnixMs: () => number) {
    this.#volumes = volumes;
    this.#catalog = catalog;
    this.#nowUnixMs = nowUnixMs;
  }

  /** Reads what was remembered, and remembers what is open now. */
  async refresh(): Promise<void> {
    for (const { name, json } of await this.#catalog.listNotes()) {
      if (name.startsWith(PREFIX)) this.#placeOf.set(name.slice(PREFIX.length), String(JSON.parse(json)));
    }
    for (const { id, place } of this.#volumes.opened) {
      if (this.#placeOf.get(id) === place) continue;
      await this.#catalog.storeNote(`${PREFIX}${id}`, JSON.stringify(place));
      this.#placeOf.set(id, place);
    }
  }

  isKnown(volumeId: string): boolean {
    return this.#entryOf(volumeId) !== undefined;
  }

  /** Where a volume of the installation is. */
  placeOf(volumeId: string): string | undefined {
    return this.#entryOf(volumeId)?.place;
  }

  /** Forgets a volume that was taken out of service. */
  async forget(volumeId: string): Promise<void> {
    this.#placeOf.delete(volumeId);
    await this.#catalog.storeNote(`${PREFIX}${volumeId}`, null);
  }

  counts(volumeId: string): boolean {
    const report = this.#entryOf(volumeId)?.report;
    if (!report) return false;
    const works = report.state === "up" || report.state === "full";
    return works || this.#nowUnixMs() - report.sinceUnixMs < AWAY_MS;
  }

  /** Ids of the volumes that count, for finding out whether anything changed. */
  get counting(): readonly string[] {
    const ids = new Set([...this.#placeOf.keys(), ...this.#volumes.opened.map(({ id }) => id)]);
    return [...ids].filter((id) => this.counts(id)).toSorted();
  }

  /** The id of a volume that did not open, as it was when it was open last; null when it never was. */
  idAt(place: string): string | null {
    const ids = [...this.#placeOf].filter(([, one]) => one === place).map(([id]) => id);
    return ids.at(-1) ?? null;
  }

  #entryOf(volumeId: string) {
    return this.#volumes.entries.find(({ place, volume }) =>
      volume ? volume.id === volumeId : this.#placeOf.get(volumeId) === place,
    );
  }
}
