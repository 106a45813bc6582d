/**
 * The control area: a bounded buffer, and the hand-over in order to idle file systems until enough of them acknowledge.
 *
 * Nothing is acknowledged to a terminal before its copies are; a buffer in memory therefore loses nothing that anybody
 * was promised.
 *
 * Source: paper B §3 (storage buffer, idle detection), §4 (retransmission), §5.1.
 */
import type { Channel } from "../channels/channel.ts";
import { ServerError } from "../errors.ts";
import type { Copy, StoredItem } from "../volumes/volume.ts";

export interface ControlOptions {
  /** Copies of each item, on distinct file systems. */
  readonly copyCount: number;
  /** Bytes that may wait and be under way together; beyond it clients keep their data. */
  readonly bufferBytesMax: number;
  /** Pause before the channels are polled again when none is idle and nothing else happens. */
  readonly pollMs: number;
}

/** One item on its way: which file systems have it, and which are being tried. */
interface Task {
  readonly item: StoredItem;
  readonly copies: Copy[];
  readonly trying: Set<string>;
  /** File systems that failed this item; tried again only when no other is left. */
  readonly failed: Set<string>;
  resolve(copies: readonly Copy[]): void;
}

/** How the control area is, for a status page. */
export interface ControlState {
  readonly bufferedItems: number;
  readonly bufferedBytes: number;
  readonly bufferBytesMax: number;
  readonly channels: readonly { readonly volumeId: string; readonly state: Channel["state"] }[];
}

/** Stores items in copies. */
export class ControlArea {
  readonly #channels: readonly Channel[];
  readonly #options: ControlOptions;
  readonly #waiting: Task[] = [];
  #bufferedItems = 0;
  #bufferedBytes = 0;
  #poll: NodeJS.Timeout | undefined;
  #turn = 0;

  /** @throws {ServerError} ERR_SERVER_CONFIG when there are fewer file systems than copies. */
  constructor(channels: readonly Channel[], options: ControlOptions) {
    if (channels.length < options.copyCount) {
      throw new ServerError("ERR_SERVER_CONFIG", `${options.copyCount} copies need as many volumes`);
    }
    this.#channels = channels;
    this.#options = options;
  }

  get state(): ControlState {
    return {
      bufferedItems: this.#bufferedItems,
      bufferedBytes: this.#bufferedBytes,
      bufferBytesMax: this.#options.bufferBytesMax,
      channels: this.#channels.map(({ volumeId, state }) => ({ volumeId, state })),
    };
  }

  /** @throws {ServerError} ERR_BUFFER_FULL when the buffer has no room: a client is told to come back. */
  requireRoom(): void {
    if (this.#bufferedBytes >= this.#options.bufferBytesMax) {
      throw new ServerError("ERR_BUFFER_FULL", `buffer holds ${this.#bufferedBytes} bytes`);
    }
  }

  /** Stores one item; resolves when it is durable in every copy. Waits as long as too few file systems work. */
  store(item: StoredItem): Promise<readonly Copy[]> {
    this.#bufferedItems += 1;
    this.#bufferedBytes += item.bytes.length;
    return new Promise((resolve) => {
      this.#waiting.push({ item, copies: [], trying: new Set(), failed: new Set(), resolve });
      this.#dispatch();
    });
  }

  /** Stops polling. Items that wait are lost with the process; nobody was promised them. */
  close(): void {
    clearTimeout(this.#poll);
  }

  /** Hands waiting items to idle channels, oldest first, until one finds too few of them. */
  #dispatch(): void {
    for (let task = this.#waiting[0]; task; task = this.#waiting[0]) {
      if (!this.#handOver(task)) break;
      this.#waiting.shift();
    }
    clearTimeout(this.#poll);
    if (this.#waiting.length > 0) this.#poll = setTimeout(() => this.#dispatch(), this.#options.pollMs);
  }

  /** Sends a task to as many idle channels as it still needs copies. @returns whether every copy found a channel. */
  #handOver(task: Task): boolean {
    let missing = this.#options.copyCount - task.copies.length - task.trying.size;
    for (const channel of this.#idleChannelsFor(task)) {
      if (missing === 0) break;
      missing -= 1;
      task.trying.add(channel.volumeId);
      void this.#send(task, channel);
    }
    return missing === 0;
  }

  /** Idle channels without this item, those that did not fail it first, then by turns. */
  #idleChannelsFor(task: Task): readonly Channel[] {
    this.#turn += 1;
    const count = this.#channels.length;
    const turned = this.#channels.map((_, i) => this.#channels[(i + this.#turn) % count] as Channel);
    const free = turned.filter(
      ({ volumeId, state }) =>
        state === "idle" && !task.trying.has(volumeId) && !task.copies.some((copy) => copy.volumeId === volumeId),
    );
    const fresh = free.filter(({ volumeId }) => !task.failed.has(volumeId));
    return [...fresh, ...free.filter(({ volumeId }) => task.failed.has(volumeId))];
  }

  async #send(task: Task, channel: Channel): Promise<void> {
    try {
      task.copies.push(await channel.send(task.item));
      task.trying.delete(channel.volumeId);
      if (task.copies.length === this.#options.copyCount) this.#finish(task);
    } catch {
      task.trying.delete(channel.volumeId);
      task.failed.add(channel.volumeId);
      if (!this.#waiting.includes(task)) this.#waiting.unshift(task);
    }
    this.#dispatch();
  }

  #finish(task: Task): void {
    this.#bufferedItems -= 1;
    this.#bufferedBytes -= task.item.bytes.length;
    task.resolve(task.copies);
  }
}
