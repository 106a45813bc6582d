/** A volume in memory that a test makes fail, hang or wait. */
import { ServerError, type ServerErrorCode } from "../../src/errors.ts";
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
} from "../../src/volumes/volume.ts";

export class FakeVolume implements Volume {
  readonly id: string;
  readonly items: StoredItem[] = [];
  /** How often something was appended or tried. */
  appendCount = 0;
  state: VolumeState = "up";
  /** Appends fail with this. */
  failure: ServerErrorCode | undefined;
  #held: (() => void)[] | undefined;
  readonly #events: string[];

  constructor(id: string, events: string[] = []) {
    this.id = id;
    this.#events = events;
  }

  /** From now on appends wait for {@link release}. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  get place(): string {
    return `/fake/${this.id}`;
  }

  get report(): VolumeReport {
    return { state: this.state, reason: this.failure ?? null, sinceUnixMs: 0 };
  }

  async space(): Promise<VolumeSpace> {
    return { packBytes: this.items.reduce((sum, { bytes }) => sum + bytes.length, 0), freeBytes: null };
  }

  async append(items: readonly StoredItem[]): Promise<readonly Copy[]> {
    this.appendCount += 1;
    const held = this.#held;
    if (held) await new Promise<void>((resolve) => held.push(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failure) throw new ServerError(this.failure, `${this.id} fails`);
    this.#events.push(`durable ${this.id}`);
    return items.map((item) => {
      this.items.push(item);
      return { volumeId: this.id, fileNumber: 0, offsetBytes: this.items.length - 1, sizeBytes: item.bytes.length };
    });
  }

  async read(copy: Copy): Promise<Uint8Array> {
    const item = this.items[copy.offsetBytes];
    if (!item) throw new ServerError("ERR_DATA_UNREADABLE", "copy is gone");
    return item.bytes;
  }

  async *scan(): AsyncGenerator<readonly ScannedItem[]> {
    const copyOf = (item: StoredItem, offsetBytes: number): Copy => {
      return { volumeId: this.id, fileNumber: 0, offsetBytes, sizeBytes: item.bytes.length };
    };
    yield this.items.map((item, i) => ({ ...item, copy: copyOf(item, i) }));
  }

  async endPack(): Promise<void> {
    return undefined;
  }

  async listPacks(): Promise<readonly PackFile[]> {
    return [];
  }

  async listPack(): Promise<readonly PackEntry[]> {
    return [];
  }

  async removePack(): Promise<void> {
    return undefined;
  }

  async close(): Promise<void> {
    this.release();
  }
}
