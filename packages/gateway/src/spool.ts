/**
 * The spool: messages on disk until the upstream has taken them.
 *
 * How disk space comes back: spool-sweep.ts.
 */
import { frameBytesFor, FrameError, type Folder, type FramePosition } from "@pericard/framelog";
import type { Clock } from "./clock.ts";
import type { ClientConfig } from "./config.ts";
import { GatewayError } from "./errors.ts";
import { GroupCommit, type Defer } from "./group-commit.ts";
import { SPOOL_ITEMS_MAX } from "./limits.ts";
import type { ClientMessage } from "./message.ts";
import { SpoolLedger, type SpoolItem } from "./spool-ledger.ts";
import { SpoolLog } from "./spool-log.ts";
import { FullnessMarks, IntakeRate } from "./spool-meter.ts";
import { decodeItem, encodeDone, encodeItem, ITEM_OVERHEAD_BYTES_MAX, RECORD } from "./spool-record.ts";
import { replaySpool } from "./spool-replay.ts";
import { sweepSpool } from "./spool-sweep.ts";

const MIB = 1024 * 1024;

/** What a spool is made of. */
export interface SpoolOptions {
  readonly folder: Folder;
  readonly clock: Clock;
  readonly defer: Defer;
  /** Bytes on disk at which messages are refused. */
  readonly spoolBytesMax: number;
  /** Called with each message that became durable, in order of arrival. */
  readonly onDurable: (item: SpoolItem) => void;
  /** Called when the disk failed. */
  readonly onBroken: (error: GatewayError) => void;
  /** Called when the spool has passed a part of its limit, and when it has room again. */
  readonly onFullness: (fullness: Fullness) => void;
  /** Told of each run of bytes that could not be read back at the start. */
  readonly onUnusable: (position: FramePosition) => void;
}

/** A mark that a spool has just passed. */
export interface Fullness {
  /** 0.8 or 0.95 of the limit, or 0 when the spool is below all marks again. */
  readonly part: number;
  readonly spoolDiskBytes: number;
  readonly spoolItems: number;
}

/** Messages that wait for the upstream, durable on disk. */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #ledger = new SpoolLedger();
  readonly #log: SpoolLog;
  readonly #commit: GroupCommit<SpoolItem>;
  readonly #committing = new Map<number, Promise<void>>();
  readonly #rate: IntakeRate;
  readonly #marks = new FullnessMarks();
  /** What the message took that had no room; undefined when none was refused since one was taken. */
  #refusedBytes: number | undefined;
  #unusableCount = 0;
  /** Runs of bytes on disk that could not be read back at the start. */
  get unusableCount(): number {
    return this.#unusableCount;
  }

  /**
   * Opens the spool and reads it back; {@link items} then gives what waits.
   *
   * @throws {FrameError} ERR_LOG_DISK when it cannot be read, ERR_LOG_FORMAT when a file is another format's.
   */
  constructor(options: SpoolOptions) {
    this.#options = options;
    const { folder, clock, defer, spoolBytesMax, onDurable } = options;
    const fileBytesMax = Math.min(Math.max(spoolBytesMax / 64, MIB), 16 * MIB);
    this.#log = new SpoolLog({
      folder,
      clock,
      fileBytesMax,
      onBroken: (error) => this.#giveUp(error),
      onReopened: () => this.#sweep(),
    });
    this.#commit = new GroupCommit({
      defer,
      onDurable,
      sync: () => this.#log.sync(),
      onLost: (item) => this.#ledger.remove(item.order),
    });
    replaySpool(this.#log.replay(), this.#ledger, (position) => {
      this.#unusableCount += 1;
      options.onUnusable(position);
    });
    this.#rate = new IntakeRate(clock);
    for (const item of this.#ledger.items()) this.#rate.add(item.position.sizeBytes, item.receivedAtUnixMs);
    this.#sweep();
  }

  get itemCount(): number {
    return this.#ledger.itemCount;
  }

  /** Bytes on disk of what waits. */
  get sizeBytes(): number {
    return this.#ledger.sizeBytes;
  }

  /** Bytes on disk of all files, which the limit is for: what waits, and what is not given back yet. */
  get diskBytes(): number {
    return this.#log.sizeBytes;
  }

  /** Whether messages are taken: `full` while the last one that was refused would be refused again. */
  get state(): "ok" | "full" | "disk" {
    if (this.#log.isBroken) return "disk";
    return this.#refusedBytes !== undefined && this.#isFull(this.#refusedBytes) ? "full" : "ok";
  }

  /** Bytes that come in a day at the present rate; undefined when too little was seen. */
  get intakeBytesPerDay(): number | undefined {
    return this.#rate.bytesPerDay();
  }

  /** When the message that waits longest came, in milliseconds since 1970, or undefined when none waits. */
  get oldestAtUnixMs(): number | undefined {
    return this.#ledger.oldestAtUnixMs;
  }

  /** What waits, oldest first. */
  items(): readonly SpoolItem[] {
    return [...this.#ledger.items()].sort((a, b) => a.order - b.order);
  }

  /**
   * Takes a message in; kept when it is durable. A message that waits already, byte for byte, is not stored again.
   *
   * @throws {GatewayError} ERR_SPOOL_FULL, ERR_CLIENT_QUOTA, ERR_SPOOL_DISK_FULL or ERR_SPOOL_DISK; the message is then
   * not in the spool, though an unfinished write of it may be found after a restart, and is forwarded in that case.
   */
  async admit(message: ClientMessage, client: ClientConfig): Promise<void> {
    const twin = this.#findTwin(message);
    if (twin) return this.#committing.get(twin.order);
    this.#requireRoom(client, frameBytesFor(message.bytes.length + ITEM_OVERHEAD_BYTES_MAX));
    const item = this.#append(message, client);
    const committed = this.#commit.add(item).finally(() => this.#committing.delete(item.order));
    this.#committing.set(item.order, committed);
    return committed;
  }

  /**
   * The message of an item that waits.
   *
   * @throws {FrameError} ERR_FRAME_DAMAGED when its bytes changed on disk, ERR_LOG_DISK when they cannot be read.
   */
  read(item: SpoolItem): Uint8Array {
    const now = this.#ledger.find(item.order) ?? item;
    return decodeItem(this.#log.read(now.position).content).message;
  }

  /** The item waits no more. The mark on disk is not synced: if it is lost, the item is forwarded once more. */
  finish(item: SpoolItem): void {
    const waiting = this.#ledger.find(item.order);
    if (!waiting) return;
    const { order, fingerprint, position } = waiting;
    this.#ledger.remove(order);
    const mark = encodeDone({ order, fingerprint, fileNumber: position.fileNumber });
    this.#quietly(() => this.#log.append(RECORD.done, mark));
    this.#sweep();
  }

  /** Syncs and closes. Messages that are just being taken in are kept first. */
  close(): void {
    this.#commit.flush();
    this.#quietly(() => this.#log.sync());
    this.#log.close();
  }

  #findTwin(message: ClientMessage): SpoolItem | undefined {
    const twin = this.#ledger.findTwin(message.fingerprint);
    if (!twin) return undefined;
    try {
      return Buffer.compare(this.read(twin), message.bytes) === 0 ? twin : undefined;
    } catch (error) {
      if (error instanceof FrameError) return undefined;
      throw error;
    }
  }

  #requireRoom(client: ClientConfig, neededBytes: number): void {
    const { spoolBytesMax } = this.#options;
    if (this.#isFull(neededBytes)) this.#sweep();
    if (this.#isFull(neededBytes)) {
      this.#refusedBytes = neededBytes;
      throw new GatewayError("ERR_SPOOL_FULL", `spool has ${this.#log.sizeBytes} of ${spoolBytesMax} bytes`);
    }
    const usedBytes = this.#ledger.bytesOfClient(client.name);
    if (usedBytes + neededBytes > client.spoolBytesMax) {
      throw new GatewayError("ERR_CLIENT_QUOTA", `client has ${usedBytes} bytes in the spool`);
    }
  }

  #isFull(neededBytes: number): boolean {
    const isLong = this.#log.sizeBytes + neededBytes > this.#options.spoolBytesMax;
    return isLong || this.itemCount >= SPOOL_ITEMS_MAX;
  }

  #append(message: ClientMessage, client: ClientConfig): SpoolItem {
    const receivedAtUnixMs = this.#options.clock.unixMs();
    const record = { order: null, receivedAtUnixMs, client: client.name, message: message.bytes };
    const { position, number } = this.#log.append(RECORD.item, encodeItem(record));
    const { routing, fingerprint } = message;
    const item = { order: number, routing, fingerprint, client: client.name, receivedAtUnixMs, position };
    this.#ledger.add(item);
    this.#rate.add(position.sizeBytes, receivedAtUnixMs);
    this.#refusedBytes = undefined;
    this.#seeFullness();
    return item;
  }

  #giveUp(error: GatewayError): void {
    this.#commit.fail(error);
    this.#options.onBroken(error);
  }

  #sweep(): void {
    this.#quietly(() => sweepSpool(this.#log, this.#ledger, this.#options.spoolBytesMax));
    this.#seeFullness();
  }

  #seeFullness(): void {
    const part = this.#marks.see(this.diskBytes / this.#options.spoolBytesMax);
    if (part === undefined) return;
    this.#options.onFullness({ part, spoolDiskBytes: this.diskBytes, spoolItems: this.itemCount });
  }

  /** Runs what may fail with the disk without anyone having to know: it is done again, or a restart sorts it out. */
  #quietly(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof GatewayError || error instanceof FrameError)) throw error;
    }
  }
}
