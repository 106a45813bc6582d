/** Fetches the tiles that the view wants, nearest first, keeps recent ones, and aborts what nobody wants any more. */
import { isAbort, toWebError } from "../errors.ts";
import type { WebError } from "../errors.ts";
import { LruCache } from "./lru-cache.ts";
import type { TileAddress } from "./tile-plan.ts";

/** A tile as wanted of a recording that may still grow. */
export interface WantedTile {
  readonly address: TileAddress;
  /** Two equal revisions of a tile have equal contents. */
  readonly revision: string;
  /** How far the tile can be asked for; at most `address.toFrame`. */
  readonly availableToFrame: number;
}

/** What the store needs from its surroundings. */
export interface TileStoreOptions<Block> {
  readonly fetch: (tile: WantedTile, signal: AbortSignal) => Promise<Block>;
  readonly costOf: (block: Block) => number;
  /** Sum of costs kept. */
  readonly budget: number;
  /** Requests at a time; browsers open six connections to a server, one of which carries the live events. */
  readonly concurrency: number;
}

interface Entry<Block> {
  readonly block: Block;
  readonly revision: string;
}

/** Tiles of one recording. Listeners are told after every change; `version` then differs. */
export class TileStore<Block> {
  readonly #options: TileStoreOptions<Block>;
  readonly #entries: LruCache<Entry<Block>>;
  readonly #running = new Map<string, AbortController>();
  readonly #failed = new Map<string, WebError>();
  readonly #listeners = new Set<() => void>();
  #wanted: readonly WantedTile[] = [];
  #version = 0;

  constructor(options: TileStoreOptions<Block>) {
    this.#options = options;
    this.#entries = new LruCache(options.budget);
  }

  /** Changes with every tile that arrives or fails. */
  readonly version = (): number => this.#version;

  /** Calls `listener` after every change until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Replaces what is wanted, most urgent first. Requests for anything else are aborted. Idempotent. */
  want(tiles: readonly WantedTile[]): void {
    this.#wanted = tiles;
    const keys = new Set(tiles.map(({ address }) => address.key));
    for (const [key, request] of this.#running) if (!keys.has(key)) request.abort();
    for (const key of this.#failed.keys()) if (!keys.has(key)) this.#failed.delete(key);
    for (const { address } of tiles.toReversed()) this.#entries.touch(address.key);
    this.#pump();
  }

  /** The newest contents at hand, perhaps of an older revision. */
  find(address: TileAddress): Block | undefined {
    return this.#entries.peek(address.key)?.block;
  }

  /** Whether the contents at hand are of this revision. */
  isFresh({ address, revision }: WantedTile): boolean {
    return this.#entries.peek(address.key)?.revision === revision;
  }

  /** Why a wanted tile could not be fetched. */
  failureOf(address: TileAddress): WebError | undefined {
    return this.#failed.get(address.key);
  }

  /** Tries again what failed. */
  retry(): void {
    this.#failed.clear();
    this.#pump();
    this.#changed();
  }

  /** Aborts all requests; the store can be used again afterwards. */
  stop(): void {
    this.want([]);
  }

  #pump(): void {
    for (const tile of this.#wanted) {
      if (this.#running.size >= this.#options.concurrency) return;
      const { key } = tile.address;
      if (!this.#running.has(key) && !this.#failed.has(key) && !this.isFresh(tile)) void this.#load(tile);
    }
  }

  async #load(tile: WantedTile): Promise<void> {
    const { address, revision } = tile;
    const request = new AbortController();
    this.#running.set(address.key, request);
    try {
      const block = await this.#options.fetch(tile, request.signal);
      this.#entries.set(address.key, { block, revision }, this.#options.costOf(block));
    } catch (caught) {
      if (!isAbort(caught) && !request.signal.aborted) this.#failed.set(address.key, toWebError(caught));
    } finally {
      this.#running.delete(address.key);
      this.#changed();
      this.#pump();
    }
  }

  #changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}
