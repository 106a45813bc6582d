/**
 * The volumes of a server: those that are open, and those that are not yet. A volume that does not open keeps no server from
 * starting; it is tried again until it does.
 */
import { codeOf, ServerError } from "../errors.ts";
import type { Volume, VolumeReport } from "./volume.ts";

/** A volume that settings name. */
export interface VolumePlace {
  /** A folder or a bucket's address. */
  readonly place: string;
  /** Opens it. @throws with the adapter's codes; in bounded time. */
  readonly open: () => Promise<Volume>;
}

export interface VolumeSetOptions {
  /** Pause before what did not open is tried again. */
  readonly retryMs: number;
  readonly monotonicMs: () => number;
  readonly nowUnixMs: () => number;
}

/** One volume as those see it who look after it. */
export interface VolumeEntry {
  readonly place: string;
  /** undefined while it did not open. */
  readonly volume: Volume | undefined;
  readonly report: VolumeReport;
}

/** Mistakes of whoever set this up. Waiting does not mend them. */
const MISTAKES: ReadonlySet<string> = new Set(["ERR_FOLDER_LOCKED", "ERR_VOLUME_TWICE"]);
const LOOK_MS = 200;

class Entry implements VolumeEntry {
  readonly #source: VolumePlace;
  volume: Volume | undefined;
  failure: VolumeReport & { readonly cause: unknown };
  retryAtMs = 0;
  isOpening = false;

  constructor(source: VolumePlace, nowUnixMs: number) {
    this.#source = source;
    this.failure = { state: "down", reason: "not opened yet", sinceUnixMs: nowUnixMs, cause: undefined };
  }

  get place(): string {
    return this.#source.place;
  }

  get report(): VolumeReport {
    const { state, reason, sinceUnixMs } = this.failure;
    return this.volume?.report ?? { state, reason, sinceUnixMs };
  }

  open(): Promise<Volume> {
    return this.#source.open();
  }
}

export class VolumeSet {
  readonly #entries: Entry[] = [];
  readonly #options: VolumeSetOptions;
  readonly #listeners: ((volume: Volume) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: VolumeSetOptions) {
    this.#options = options;
  }

  /**
   * Opens what opens, side by side.
   *
   * @throws {ServerError} ERR_VOLUME_TWICE when two have one identity; ERR_FOLDER_LOCKED when another process has one;
   * ERR_STORE_UNAVAILABLE, with each reason, when fewer than `needed` open.
   */
  static async open(places: readonly VolumePlace[], needed: number, options: VolumeSetOptions): Promise<VolumeSet> {
    const set = new VolumeSet(options);
    for (const place of places) set.#entries.push(new Entry(place, options.nowUnixMs()));
    await Promise.all(set.#entries.map((entry) => set.#tryOpen(entry)));
    try {
      set.#requireStart(needed);
    } catch (error) {
      await set.close();
      throw error;
    }
    set.#timer = setInterval(() => set.#retry(), LOOK_MS);
    set.#timer.unref();
    return set;
  }

  get entries(): readonly VolumeEntry[] {
    return this.#entries;
  }

  /** Every volume that is open, whatever its state. */
  get opened(): readonly Volume[] {
    return this.#entries.flatMap(({ volume }) => volume ?? []);
  }

  find(id: string): Volume | undefined {
    return this.opened.find((volume) => volume.id === id);
  }

  /** Calls `listener` for each volume that opens from now on. */
  onOpened(listener: (volume: Volume) => void): void {
    this.#listeners.push(listener);
  }

  /** Opens one more. @throws as its adapter does, and {ServerError} ERR_VOLUME_TWICE; it is not added then. */
  async add(place: VolumePlace): Promise<Volume> {
    const entry = new Entry(place, this.#options.nowUnixMs());
    if (this.#entries.some((one) => one.place === place.place)) throw twice(place.place);
    this.#entries.push(entry);
    await this.#tryOpen(entry);
    if (entry.volume) return entry.volume;
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    throw entry.failure.cause;
  }

  /** Closes one and forgets it. */
  async remove(place: string): Promise<void> {
    const at = this.#entries.findIndex((entry) => entry.place === place);
    if (at < 0) return;
    const [entry] = this.#entries.splice(at, 1);
    await entry?.volume?.close();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.opened.map((volume) => volume.close()));
  }

  #requireStart(needed: number): void {
    const mistake = this.#entries.find(({ failure }) => MISTAKES.has(codeOf(failure.cause) ?? ""));
    if (mistake) throw mistake.failure.cause;
    if (this.opened.length >= needed) return;
    const reasons = this.#entries
      .filter(({ volume }) => !volume)
      .map(({ place, report }) => `${place}: ${report.reason}`);
    const message = `${this.opened.length} of ${needed} needed volumes open (${reasons.join("; ")})`;
    throw new ServerError("ERR_STORE_UNAVAILABLE", message);
  }

  #retry(): void {
    for (const entry of this.#entries) {
      if (entry.volume || entry.isOpening || this.#options.monotonicMs() < entry.retryAtMs) continue;
      void this.#tryOpen(entry);
    }
  }

  async #tryOpen(entry: Entry): Promise<void> {
    entry.isOpening = true;
    try {
      const volume = await entry.open();
      if (this.find(volume.id) || !this.#entries.includes(entry)) {
        await volume.close();
        throw twice(entry.place);
      }
      entry.volume = volume;
      for (const listener of this.#listeners) listener(volume);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      entry.failure = { state: "down", reason, sinceUnixMs: entry.failure.sinceUnixMs, cause };
      entry.retryAtMs = this.#options.monotonicMs() + this.#options.retryMs;
    } finally {
      entry.isOpening = false;
    }
  }
}

function twice(place: string): ServerError {
  return new ServerError("ERR_VOLUME_TWICE", `${place} is a volume of this server already, or a copy of one`);
}
