/**
 * The control area: a bounded buffer, and the hand-over in order to idle file systems until enough of them acknowledge.
 *
 * Nothing is acknowledged to a terminal before its copies are; a buffer in memory therefore loses nothing that anybody
 * was promised.
 *
 * Source: paper B §3 (storage buffer, idle detection), §4 (retransmission), §5.1.
 */
import { releaseBytes } from "@pericard/protocol";
import type { Channel, ChannelState } from "../channels/channel.ts";
import { ServerError } from "../errors.ts";
import type { Copy, StoredItem } from "../volumes/volume.ts";

export interface ControlOptions {
  /** Copies of each item, on distinct file systems. */
  readonly copyCount: number;
  /** Bytes that may wait and be under way together; beyond it clients keep their data. */
  readonly bufferBytesMax: number;
  /** Pause before the channels are polled again when none is idle and nothing else happens. */
  readonly pollMs: number;
  /** A file system that has not acknowledged an item by then is slow: another one is sent it as well. */
  readonly lateMs: number;
  /** An item that has not all its copies by then is given back to its client, who keeps it and comes again. */
  readonly deadlineMs: number;
}

/** One item on its way: which file systems have it, and which are being tried. */
interface Task {
  readonly item: StoredItem;
  readonly copies: Copy[];
  readonly trying: Set<string>;
  /** File systems that failed this item; tried again only at a poll, and after all others. */
  readonly failed: Set<string>;
  readonly timers: readonly NodeJS.Timeout[];
  /** Its client was answered; only what is under way still holds its bytes. */
  isAnswered: boolean;
  resolve(copies: readonly Copy[]): void;
  reject(error: ServerError): void;
}

/** How a file system is, as paper B §3 has it. One that drains gets nothing new. */
export type FileSystemState = ChannelState | "draining";

/** A file system by its channel. */
export interface ChannelReport {
  readonly volumeId: string;
  readonly state: FileSystemState;
  readonly reason: string | null;
  readonly itemsUnderWay: number;
  readonly bytesUnderWay: number;
}

/** How the control area is, for a status page. */
export interface ControlState {
  readonly bufferedItems: number;
  readonly bufferedBytes: number;
  readonly bufferBytesMax: number;
  readonly channels: readonly ChannelReport[];
}

/** Stores items in copies. */
export class ControlArea {
  readonly #channels: Channel[];
  readonly #draining = new Set<string>();
  readonly #options: ControlOptions;
  readonly #waiting: Task[] = [];
  #bufferedItems = 0;
  #bufferedBytes = 0;
  #poll: NodeJS.Timeout | undefined;
  #turn = 0;
  #isClosed = false;

  /** @throws {ServerError} ERR_SERVER_CONFIG when there are fewer file systems than copies. */
  constructor(channels: readonly Channel[], options: ControlOptions) {
    if (channels.length < options.copyCount) {
      throw new ServerError("ERR_SERVER_CONFIG", `${options.copyCount} copies need as many volumes`);
    }
    this.#channels = [...channels];
    this.#options = options;
  }

  get state(): ControlState {
    return {
      bufferedItems: this.#bufferedItems,
      bufferedBytes: this.#bufferedBytes,
      bufferBytesMax: this.#options.bufferBytesMax,
      channels: this.#channels.map((channel) => {
        const { volumeId, reason, itemsUnderWay, bytesUnderWay } = channel;
        return { volumeId, state: this.#stateOf(channel), reason, itemsUnderWay, bytesUnderWay };
      }),
    };
  }

  /** Takes one more file system into service. */
  add(channel: Channel): void {
    this.#channels.push(channel);
    this.#dispatch();
  }

  /** Takes a file system out of service; what is under way to it goes on. */
  remove(volumeId: string): void {
    const at = this.#channels.findIndex((channel) => channel.volumeId === volumeId);
    if (at >= 0) this.#channels.splice(at, 1);
    this.#draining.delete(volumeId);
  }

  /** From now on the file system gets nothing new. */
  drain(volumeId: string): void {
    this.#draining.add(volumeId);
  }

  /** Ends {@link drain}. */
  resume(volumeId: string): void {
    this.#draining.delete(volumeId);
    this.#dispatch();
  }

  /**
   * Sends a client away early.
   *
   * @throws {ServerError} ERR_BUFFER_FULL when the buffer has no room, ERR_STORE_UNAVAILABLE when fewer file systems work
   * than an item needs copies.
   */
  requireRoom(): void {
    const working = this.#channels.filter((channel) => ["idle", "busy"].includes(this.#stateOf(channel))).length;
    if (working < this.#options.copyCount) {
      throw new ServerError("ERR_STORE_UNAVAILABLE", `${working} of ${this.#options.copyCount} needed volumes work`);
    }
    if (this.#bufferedBytes >= this.#options.bufferBytesMax) {
      throw new ServerError("ERR_BUFFER_FULL", `buffer holds ${this.#bufferedBytes} bytes`);
    }
  }

  /**
   * Stores one item; resolves when it is durable in every copy. The item's bytes are the control area's from now on: it
   * gives their memory back when no file system needs them any more.
   *
   * @throws {ServerError} ERR_STORE_UNAVAILABLE when it is not by the deadline, or when the control area is closed. Some
   * copies may be there then: without rows they are garbage.
   */
  store(item: StoredItem): Promise<readonly Copy[]> {
    if (this.#isClosed) return Promise.reject(new ServerError("ERR_STORE_UNAVAILABLE", "control area is closed"));
    this.#bufferedItems += 1;
    this.#bufferedBytes += item.bytes.length;
    return new Promise((resolve, reject) => {
      const task: Task = {
        item,
        copies: [],
        trying: new Set(),
        failed: new Set(),
        timers: [
          setTimeout(() => this.#hurry(task), this.#options.lateMs),
          setTimeout(() => this.#giveBack(task, "copies were not durable in time"), this.#options.deadlineMs),
        ],
        isAnswered: false,
        resolve,
        reject,
      };
      this.#waiting.push(task);
      this.#dispatch();
    });
  }

  #stateOf({ volumeId, state }: Channel): FileSystemState {
    return this.#draining.has(volumeId) && (state === "idle" || state === "busy") ? "draining" : state;
  }

  /**
   * Stores one more copy of an item on one file system, once that is idle: what clients send goes before. The bytes stay the
   * caller's.
   *
   * @throws {ServerError} ERR_STORE_UNAVAILABLE when it does not take it in time; ERR_VOLUME_DOWN, ERR_VOLUME_FULL.
   */
  async storeOn(volumeId: string, item: StoredItem): Promise<Copy> {
    const waitsMax = Math.ceil(this.#options.deadlineMs / this.#options.pollMs);
    for (let waits = 0; waits < waitsMax && !this.#isClosed; waits += 1) {
      const channel = this.#channels.find((one) => one.volumeId === volumeId);
      const state = channel && this.#stateOf(channel);
      if (channel && state === "idle" && this.#waiting.length === 0) return channel.send(item);
      if (state !== "idle" && state !== "busy") break;
      await new Promise((resolve) => setTimeout(resolve, this.#options.pollMs));
    }
    throw new ServerError("ERR_STORE_UNAVAILABLE", `volume ${volumeId} takes no copy now`);
  }

  /** Gives back what waits and takes nothing more. Nobody was promised it. */
  close(): void {
    this.#isClosed = true;
    for (const task of this.#waiting.splice(0)) this.#giveBack(task, "control area was closed");
    clearTimeout(this.#poll);
  }

  /** Sends the item elsewhere as well, if there is an idle file system now; whoever acknowledges first counts. */
  #hurry(task: Task): void {
    this.#sendTo(task, task.trying.size, this.#idleChannelsFor(task, false));
  }

  /** Hands waiting items to idle channels, oldest first, until one finds too few of them. */
  #dispatch(isPoll = false): void {
    for (let task = this.#waiting[0]; task; task = this.#waiting[0]) {
      if (!this.#handOver(task, isPoll)) break;
      this.#waiting.shift();
    }
    clearTimeout(this.#poll);
    if (this.#waiting.length > 0) this.#poll = setTimeout(() => this.#dispatch(true), this.#options.pollMs);
  }

  /** Sends a task to as many idle channels as it still needs copies. @returns whether every copy found a channel. */
  #handOver(task: Task, isPoll: boolean): boolean {
    const missing = Math.max(0, this.#options.copyCount - task.copies.length - task.trying.size);
    return this.#sendTo(task, missing, this.#idleChannelsFor(task, isPoll)) === missing;
  }

  /** @returns to how many channels it was sent. */
  #sendTo(task: Task, countMax: number, channels: readonly Channel[]): number {
    const chosen = channels.slice(0, countMax);
    for (const channel of chosen) {
      task.trying.add(channel.volumeId);
      void this.#send(task, channel);
    }
    return chosen.length;
  }

  /**
   * Idle channels without this item: those with the least to do first, and by turns, so that a slow file system holds up
   * nobody. Those that failed it come last, and at a poll only: nothing spins.
   */
  #idleChannelsFor(task: Task, isPoll: boolean): readonly Channel[] {
    this.#turn += 1;
    const count = this.#channels.length;
    const turned = this.#channels.map((_, i) => this.#channels[(i + this.#turn) % count] as Channel);
    const free = turned
      .filter(
        (channel) =>
          this.#stateOf(channel) === "idle" &&
          !task.trying.has(channel.volumeId) &&
          !task.copies.some((copy) => copy.volumeId === channel.volumeId),
      )
      .sort((a, b) => a.itemsUnderWay - b.itemsUnderWay);
    const fresh = free.filter(({ volumeId }) => !task.failed.has(volumeId));
    return isPoll ? [...fresh, ...free.filter(({ volumeId }) => task.failed.has(volumeId))] : fresh;
  }

  async #send(task: Task, channel: Channel): Promise<void> {
    try {
      task.copies.push(await channel.send(task.item));
      task.trying.delete(channel.volumeId);
      if (!task.isAnswered && task.copies.length === this.#options.copyCount) this.#finish(task);
    } catch {
      task.trying.delete(channel.volumeId);
      task.failed.add(channel.volumeId);
      if (!task.isAnswered && !this.#waiting.includes(task)) this.#waiting.unshift(task);
    }
    this.#freeWhenDone(task);
    this.#dispatch();
  }

  #finish(task: Task): void {
    this.#settle(task);
    task.resolve([...task.copies]);
  }

  /** Nothing more is done for the item. */
  #settle(task: Task): void {
    for (const timer of task.timers) clearTimeout(timer);
    const place = this.#waiting.indexOf(task);
    if (place >= 0) this.#waiting.splice(place, 1);
    task.isAnswered = true;
  }

  #giveBack(task: Task, why: string): void {
    this.#settle(task);
    task.reject(new ServerError("ERR_STORE_UNAVAILABLE", why));
    this.#freeWhenDone(task);
  }

  /** The buffer has room again when nobody holds the item's bytes any more. */
  #freeWhenDone(task: Task): void {
    if (!task.isAnswered || task.trying.size > 0) return;
    this.#bufferedItems -= 1;
    this.#bufferedBytes -= task.item.bytes.length;
    releaseBytes(task.item.bytes);
  }
}
