/** What is in the spool, in memory: places and sizes of the items that wait, none of their bytes. */
import type { FramePosition } from "@pericard/framelog";
import type { RoutingId } from "@pericard/protocol";

/** An item that waits. */
export interface SpoolItem {
  /** Rises with arrival, over restarts too. */
  readonly order: number;
  readonly routing: RoutingId;
  readonly fingerprint: string;
  readonly client: string;
  readonly receivedAtUnixMs: number;
  /** Where its frame lies now. */
  readonly position: FramePosition;
}

/** Finds items by order and fingerprint, and adds up their bytes by file and client. */
export class SpoolLedger {
  readonly #items = new Map<number, SpoolItem>();
  readonly #byFingerprint = new Map<string, SpoolItem>();
  readonly #bytesByClient = new Map<string, number>();
  readonly #bytesByFile = new Map<number, number>();
  #sizeBytes = 0;

  get itemCount(): number {
    return this.#items.size;
  }

  /** Bytes on disk of the items that wait. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** When the first of the items that wait came, or undefined when none waits. */
  get oldestAtUnixMs(): number | undefined {
    return this.#items.values().next().value?.receivedAtUnixMs;
  }

  /** Items that wait, by rising order when they were added so. */
  items(): IterableIterator<SpoolItem> {
    return this.#items.values();
  }

  find(order: number): SpoolItem | undefined {
    return this.#items.get(order);
  }

  findTwin(fingerprint: string): SpoolItem | undefined {
    return this.#byFingerprint.get(fingerprint);
  }

  bytesOfClient(client: string): number {
    return this.#bytesByClient.get(client) ?? 0;
  }

  /** Bytes of waiting items in one file. */
  bytesInFile(fileNumber: number): number {
    return this.#bytesByFile.get(fileNumber) ?? 0;
  }

  /** Adds an item, in place of one with the same order. */
  add(item: SpoolItem): void {
    const known = this.#items.get(item.order);
    if (known) this.#count(known, -1);
    this.#items.set(item.order, item);
    this.#byFingerprint.set(item.fingerprint, item);
    this.#count(item, 1);
  }

  /** Takes an item out; nothing happens when it is not in. */
  remove(order: number): void {
    const item = this.#items.get(order);
    if (!item) return;
    this.#items.delete(order);
    if (this.#byFingerprint.get(item.fingerprint)?.order === order) this.#byFingerprint.delete(item.fingerprint);
    this.#count(item, -1);
  }

  #count(item: SpoolItem, sign: 1 | -1): void {
    const bytes = sign * item.position.sizeBytes;
    this.#sizeBytes += bytes;
    addTo(this.#bytesByFile, item.position.fileNumber, bytes);
    addTo(this.#bytesByClient, item.client, bytes);
  }
}

function addTo<K>(sums: Map<K, number>, key: K, bytes: number): void {
  const sum = (sums.get(key) ?? 0) + bytes;
  if (sum === 0) sums.delete(key);
  else sums.set(key, sum);
}
