/**
 * A directory as a volume, in a thread of its own. A thread that misses its deadline is abandoned and the volume is down;
 * after a pause a new thread opens it again and probes it.
 */
import type { RandomSource } from "@pericard/crypto";
import type { FramePosition } from "@pericard/framelog";
import { ServerError } from "../errors.ts";
import { startThread, type Thread } from "../threads/thread.ts";
import type { DirectoryMethods, DirectoryThreadData, StagedItem } from "./directory-thread.ts";
import { CHANNEL_WINDOW } from "../channels/channel.ts";
import { VolumeHealth, within, type HealthOptions } from "./volume-health.ts";
import type {
  Copy,
  PackEntry,
  PackFile,
  ScannedItem,
  StoredItem,
  Volume,
  VolumeReport,
  VolumeSpace,
  VolumeState,
} from "./volume.ts";
import { drawVolumeId } from "./volume-identity.ts";

const MODULE = new URL("./directory-thread.ts", import.meta.url);
const HEAP_MEGABYTES_MAX = 64;
const METHODS = [
  "endPack",
  "listPacks",
  "listPack",
  "removePack",
  "open",
  "reopen",
  "probe",
  "space",
  "append",
  "appendStaged",
  "read",
  "beginScan",
  "nextScanned",
  "close",
] as const;
const PROBE_BYTES = 4096;
/** A hung disk does not keep a server from stopping. */
const CLOSE_MS = 2000;
/** One step of a scan, which may search a long damaged stretch. */
const SCAN_MS = 60_000;
const STAGING_BYTES = CHANNEL_WINDOW.bytes / 8;

export interface DirectoryVolumeOptions extends HealthOptions {
  readonly random: RandomSource;
}

/**
 * Memory that a thread reads a group from. It holds one group at a time; a group that comes meanwhile, or that does not
 * fit, travels as a message. An abandoned thread keeps its own; its successor gets another.
 */
class Staging {
  readonly memory = new SharedArrayBuffer(STAGING_BYTES);
  readonly #bytes = new Uint8Array(this.memory);
  #isTaken = false;

  /** Copies a group in. @returns where each item lies, or undefined when there is no room. */
  take(items: readonly StoredItem[]): readonly StagedItem[] | undefined {
    const neededBytes = items.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (this.#isTaken || neededBytes > STAGING_BYTES) return undefined;
    this.#isTaken = true;
    let nextBytes = 0;
    return items.map(({ kind, bytes }) => {
      const offsetBytes = nextBytes;
      this.#bytes.set(bytes, offsetBytes);
      nextBytes += bytes.length;
      return { kind, offsetBytes, sizeBytes: bytes.length };
    });
  }

  /** The group was read. */
  release(): void {
    this.#isTaken = false;
  }
}

/** A volume's thread and its staging memory. */
class VolumeThread {
  readonly #staging = new Staging();
  readonly #thread: Thread<DirectoryMethods>;

  constructor(path: string) {
    const workerData: DirectoryThreadData = { path, staging: this.#staging.memory };
    this.#thread = startThread<DirectoryMethods>(MODULE, workerData, METHODS, HEAP_MEGABYTES_MAX);
  }

  get calls(): Thread<DirectoryMethods>["calls"] {
    return this.#thread.calls;
  }

  async append(items: readonly StoredItem[]): Promise<readonly FramePosition[]> {
    const staged = this.#staging.take(items);
    if (!staged) return this.calls.append(items);
    try {
      return await this.calls.appendStaged(staged);
    } finally {
      this.#staging.release();
    }
  }

  end(): void {
    this.#thread.end();
  }
}

class DirectoryVolume implements Volume {
  readonly id: string;
  readonly place: string;
  readonly #random: RandomSource;
  readonly #health: VolumeHealth;
  #thread: VolumeThread | undefined;

  constructor(id: string, path: string, thread: VolumeThread, options: DirectoryVolumeOptions) {
    this.id = id;
    this.place = path;
    this.#random = options.random;
    this.#thread = thread;
    this.#health = new VolumeHealth(id, options, { probe: () => this.#probe(), abandon: () => this.#abandon() });
  }

  get state(): VolumeState {
    return this.#health.state;
  }

  get report(): VolumeReport {
    return this.#health.report;
  }

  async append(items: readonly StoredItem[]): Promise<readonly Copy[]> {
    const positions = await this.#health.write(() => this.#running().append(items));
    return positions.map((position) => ({ volumeId: this.id, ...position }));
  }

  async read({ fileNumber, offsetBytes, sizeBytes }: Copy): Promise<Uint8Array> {
    return this.#health.read(() => this.#running().calls.read({ fileNumber, offsetBytes, sizeBytes }));
  }

  async *scan(): AsyncGenerator<readonly ScannedItem[]> {
    const { calls } = this.#running();
    const next = () => within(SCAN_MS, calls.nextScanned(), () => this.#abandon());
    await within(SCAN_MS, calls.beginScan(), () => this.#abandon());
    for (let items = await next(); items.length > 0; items = await next()) {
      yield items.map(({ kind, bytes, position }) => ({ kind, bytes, copy: { volumeId: this.id, ...position } }));
    }
  }

  endPack(): Promise<void> {
    return this.#health.read(() => this.#running().calls.endPack());
  }

  listPacks(): Promise<readonly PackFile[]> {
    return this.#health.read(() => this.#running().calls.listPacks());
  }

  async listPack(fileNumber: number): Promise<readonly PackEntry[]> {
    const found = await this.#health.read(() => this.#running().calls.listPack(fileNumber));
    return found.map(({ kind, position }) => ({ kind, copy: { volumeId: this.id, ...position } }));
  }

  removePack(fileNumber: number): Promise<void> {
    return this.#health.read(() => this.#running().calls.removePack(fileNumber));
  }

  space(): Promise<VolumeSpace> {
    return this.#health.read(() => this.#running().calls.space());
  }

  async close(): Promise<void> {
    this.#health.close();
    const thread = this.#thread;
    this.#thread = undefined;
    await within(CLOSE_MS, thread?.calls.close() ?? Promise.resolve(), () => undefined).catch(() => undefined);
    thread?.end();
  }

  #running(): VolumeThread {
    if (!this.#thread) throw new ServerError("ERR_VOLUME_DOWN", `volume ${this.id} is closed or was left behind`);
    return this.#thread;
  }

  #abandon(): void {
    this.#thread?.end();
    this.#thread = undefined;
  }

  async #probe(): Promise<void> {
    const thread = this.#thread ?? new VolumeThread(this.place);
    this.#thread = thread;
    try {
      await thread.calls.reopen(this.id);
      await thread.calls.probe(this.#random(PROBE_BYTES));
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }
}

/**
 * Opens a directory as a volume; it is made when it is not there.
 *
 * @throws {ServerError} ERR_VOLUME_IDENTITY when its `volume.json` is malformed, ERR_VOLUME_DOWN when it does not answer in time;
 * ERR_FOLDER_LOCKED when another process has it; and what the disk says.
 */
export async function openDirectoryVolume(path: string, options: DirectoryVolumeOptions): Promise<Volume> {
  const thread = new VolumeThread(path);
  try {
    const opening = thread.calls.open(drawVolumeId(options.random));
    const id = await within(options.deadlineMs, opening, () => undefined);
    return new DirectoryVolume(id, path, thread, options);
  } catch (error) {
    thread.end();
    throw error;
  }
}
