/**
 * The repairer: when a volume is gone for good, or comes back, it goes through the catalog and makes the copies that are
 * missing. What has enough copies is not read.
 *
 * Source: docs/operating/volumes.md.
 */
import type { Logger } from "pino";
import type { Catalog } from "../catalog/catalog.ts";
import type { CopyCare } from "./copy-care.ts";
import type { VolumePresence } from "./volume-presence.ts";
import { rest, walkItems } from "./walk.ts";

const LOOK_MS = 5000;
/** Pause before copies that no volume could take are tried again. */
const RETRY_MS = 60_000;
/** Items that are looked at without a rest. */
const STRIDE = 256;
const STRIDE_REST_MS = 50;

/** What the last walk did, or the one under way. */
export interface RepairState {
  readonly items: number;
  readonly made: number;
  /** Copies that are missing still. */
  readonly missing: number;
  readonly isUnderWay: boolean;
}

export interface RepairerParts {
  readonly catalog: Catalog;
  readonly care: CopyCare;
  readonly presence: VolumePresence;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export class Repairer {
  readonly #parts: RepairerParts;
  #state: RepairState = { items: 0, made: 0, missing: 0, isUnderWay: false };

  constructor(parts: RepairerParts) {
    this.#parts = parts;
  }

  get state(): RepairState {
    return this.#state;
  }

  start(): void {
    this.#goOn().catch((err: unknown) => this.#parts.logger.error({ err }, "repairer ended"));
  }

  async #goOn(): Promise<void> {
    const { presence, logger, signal } = this.#parts;
    for (let settled = ""; !signal.aborted; await rest(LOOK_MS, signal)) {
      try {
        await presence.refresh();
        const counting = presence.counting.join();
        if (counting === settled) continue;
        await this.#walk();
        if (this.#state.missing === 0) settled = counting;
        else await rest(RETRY_MS, signal);
      } catch (err) {
        logger.warn({ err }, "repairer rests: it begins again");
      }
    }
  }

  async #walk(): Promise<void> {
    const { care, logger, signal } = this.#parts;
    this.#state = { items: 0, made: 0, missing: 0, isUnderWay: true };
    for await (const item of walkItems(this.#parts, 0)) {
      const { made, missing } = await care.complete(item);
      const { items, ...before } = this.#state;
      const counts = { made: before.made + made, missing: before.missing + missing };
      this.#state = { ...counts, items: items + 1, isUnderWay: true };
      if (this.#state.items % STRIDE === 0) await rest(STRIDE_REST_MS, signal);
    }
    this.#state = { ...this.#state, isUnderWay: false };
    if (this.#state.made + this.#state.missing > 0) logger.warn(this.#state, "missing copies were made again");
  }
}
