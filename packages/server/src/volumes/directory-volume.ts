/**
 * A directory as a volume, in a thread of its own. A thread that misses its deadline is abandoned and the volume is down;
 * after a pause a new thread tries again.
 */
import type { RandomSource } from "@pericard/crypto";
import { openDiskFolder, type FramePosition } from "@pericard/framelog";
import { codeOf, ServerError } from "../errors.ts";
import { startThread, type Thread } from "../threads/thread.ts";
import type { DirectoryMethods, DirectoryThreadData, StagedItem } from "./directory-thread.ts";
import { CHANNEL_WINDOW } from "../channels/channel.ts";
import type { Copy, ScannedItem, StoredItem, Volume, VolumeState } from "./volume.ts";
import { describeIdentity, drawVolumeId, IDENTITY_FILE, parseIdentity } from "./volume-identity.ts";

const MODULE = new URL("./directory-thread.ts", import.meta.url);
const HEAP_MEGABYTES_MAX = 64;
const METHODS = ["append", "appendStaged", "read", "beginScan", "nextScanned", "close"] as const;
const STAGING_BYTES = CHANNEL_WINDOW.bytes / 8;

export interface DirectoryVolumeOptions {
  /** An append or read that takes longer makes the volume down. */
  readonly deadlineMs: number;
  /** Pause before a volume that is down or full is tried again. */
  readonly retryMs: number;
  readonly monotonicMs: () => number;
  readonly random: RandomSource;
}

/** The volume's id, drawn when the folder is first used. */
function identify(path: string, random: RandomSource): string {
  const folder = openDiskFolder(path);
  const known = folder.read(IDENTITY_FILE);
  if (known) return parseIdentity(known);
  const id = drawVolumeId(random);
  folder.replace(IDENTITY_FILE, describeIdentity(id));
  return id;
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
  readonly #path: string;
  readonly #options: DirectoryVolumeOptions;
  #thread: VolumeThread | undefined;
  #state: VolumeState = "up";
  #retryAtMs = 0;

  constructor(path: string, options: DirectoryVolumeOptions) {
    this.id = identify(path, options.random);
    this.#path = path;
    this.#options = options;
  }

  get state(): VolumeState {
    const pausing = this.#state !== "up" && this.#options.monotonicMs() < this.#retryAtMs;
    return pausing ? this.#state : "up";
  }

  async append(items: readonly StoredItem[]): Promise<readonly Copy[]> {
    if (this.state === "full") throw new ServerError("ERR_VOLUME_FULL", `volume ${this.id} is full`);
    const positions = await this.#run((thread) => thread.append(items));
    this.#state = "up";
    return positions.map((position) => ({ volumeId: this.id, ...position }));
  }

  async read({ fileNumber, offsetBytes, sizeBytes }: Copy): Promise<Uint8Array> {
    return this.#run(({ calls }) => calls.read({ fileNumber, offsetBytes, sizeBytes }));
  }

  async *scan(): AsyncGenerator<readonly ScannedItem[]> {
    const { calls } = this.#open();
    await calls.beginScan();
    for (let items = await calls.nextScanned(); items.length > 0; items = await calls.nextScanned()) {
      yield items.map(({ kind, bytes, position }) => ({ kind, bytes, copy: { volumeId: this.id, ...position } }));
    }
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.calls.close().catch(() => undefined);
    thread?.end();
  }

  #open(): VolumeThread {
    this.#thread ??= new VolumeThread(this.#path);
    return this.#thread;
  }

  async #run<T>(call: (thread: VolumeThread) => Promise<T>): Promise<T> {
    if (this.state === "down") throw new ServerError("ERR_VOLUME_DOWN", `volume ${this.id} is down`);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      const late = () => reject(new ServerError("ERR_VOLUME_DOWN", "volume missed its deadline"));
      timer = setTimeout(late, this.#options.deadlineMs);
    });
    try {
      return await Promise.race([call(this.#open()), deadline]);
    } catch (cause) {
      throw this.#failed(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  #failed(cause: unknown): Error {
    const code = codeOf(cause);
    if (code === "ERR_DATA_UNREADABLE") return new ServerError(code, "copy is damaged or gone", { cause });
    this.#state = code === "ERR_VOLUME_FULL" ? "full" : "down";
    this.#retryAtMs = this.#options.monotonicMs() + this.#options.retryMs;
    if (this.#state === "down") {
      this.#thread?.end();
      this.#thread = undefined;
    }
    const what = this.#state === "full" ? "is full" : "is down";
    return new ServerError(
      this.#state === "full" ? "ERR_VOLUME_FULL" : "ERR_VOLUME_DOWN",
      `volume ${this.id} ${what}`,
      {
        cause,
      },
    );
  }
}

/** Opens a directory as a volume; it is made when it is not there. @throws {ServerError} ERR_VOLUME_IDENTITY. */
export function openDirectoryVolume(path: string, options: DirectoryVolumeOptions): Volume {
  return new DirectoryVolume(path, options);
}
