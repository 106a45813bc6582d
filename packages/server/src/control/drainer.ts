/**
 * Draining: a volume gets nothing new, and a copy of everything that it has is put on another one. It may be dead: then the
 * other copies are the source. What was begun goes on after a restart.
 *
 * Source: docs/operating/volumes.md.
 */
import type { Logger } from "pino";
import type { Catalog } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import type { ControlArea } from "./control-area.ts";
import type { CopyCare } from "./copy-care.ts";
import { rest, walkItems } from "./walk.ts";

const PREFIX = "drain ";
const RETRY_MS = 5000;
const AGAIN_MS = 200;
/** What was sent to the volume before it was drained has its row in the catalog, or was given back, after this time. */
const SETTLE_MS = 60_000;
/** While clients send, draining rests so many times as long as it works. */
const BUSY_REST = 2;

/** How far a volume is. */
export interface DrainState {
  readonly sinceUnixMs: number;
  readonly moved: number;
  /** Copies that no other volume could take yet, of the pass before. */
  readonly stuck: number;
  /** null while something may be on it. */
  readonly emptyAtUnixMs: number | null;
}

export interface DrainerParts {
  readonly catalog: Catalog;
  readonly care: CopyCare;
  readonly control: ControlArea;
  readonly copyCount: number;
  readonly logger: Logger;
  readonly nowUnixMs: () => number;
  readonly monotonicMs: () => number;
  readonly signal: AbortSignal;
}

interface Drain {
  state: DrainState;
  readonly settledAtMs: number;
  isCancelled: boolean;
}

export class Drainer {
  readonly #parts: DrainerParts;
  readonly #drains = new Map<string, Drain>();

  constructor(parts: DrainerParts) {
    this.#parts = parts;
  }

  /** Goes on with what was begun before. Nothing new goes to those volumes when it returns. */
  async start(): Promise<void> {
    for (const { name, json } of await this.#parts.catalog.listNotes()) {
      if (name.startsWith(PREFIX)) this.#begin(name.slice(PREFIX.length), JSON.parse(json) as DrainState);
    }
  }

  stateOf(volumeId: string): DrainState | undefined {
    return this.#drains.get(volumeId)?.state;
  }

  /** Begins. @throws {ServerError} ERR_VOLUME_NEEDED when fewer volumes would be left than there are copies. */
  async drain(volumeId: string): Promise<DrainState> {
    const { control, copyCount, nowUnixMs } = this.#parts;
    const known = this.#drains.get(volumeId);
    if (known) return known.state;
    const left = control.state.channels.filter((channel) => {
      return channel.volumeId !== volumeId && !this.#drains.has(channel.volumeId);
    });
    if (left.length < copyCount) {
      const message = `${left.length} volumes would be left for ${copyCount} copies: add one first`;
      throw new ServerError("ERR_VOLUME_NEEDED", message);
    }
    const state: DrainState = { sinceUnixMs: nowUnixMs(), moved: 0, stuck: 0, emptyAtUnixMs: null };
    await this.#keep(volumeId, state);
    return this.#begin(volumeId, state).state;
  }

  /** Ends it: the volume gets packages again. What was moved stays where it is. */
  async cancel(volumeId: string): Promise<void> {
    const drain = this.#drains.get(volumeId);
    if (!drain) throw new ServerError("ERR_NOT_FOUND", `volume ${volumeId} is not being drained`);
    await this.forget(volumeId);
    this.#parts.control.resume(volumeId);
  }

  /** Forgets a volume that is not there any more. */
  async forget(volumeId: string): Promise<void> {
    const drain = this.#drains.get(volumeId);
    if (drain) drain.isCancelled = true;
    this.#drains.delete(volumeId);
    await this.#parts.catalog.storeNote(`${PREFIX}${volumeId}`, null);
  }

  #begin(volumeId: string, state: DrainState): Drain {
    const settledAtMs = this.#parts.monotonicMs() + SETTLE_MS;
    const drain: Drain = { state, settledAtMs, isCancelled: false };
    this.#drains.set(volumeId, drain);
    this.#parts.control.drain(volumeId);
    this.#run(volumeId, drain).catch((err: unknown) => this.#parts.logger.error({ err, volumeId }, "draining ended"));
    return drain;
  }

  async #run(volumeId: string, drain: Drain): Promise<void> {
    const { signal, logger, nowUnixMs } = this.#parts;
    while (!signal.aborted && !drain.isCancelled && drain.state.emptyAtUnixMs === null) {
      try {
        const { found, stuck } = await this.#pass(volumeId, drain);
        drain.state = { ...drain.state, stuck };
        if (found === 0 && !signal.aborted && !drain.isCancelled) {
          drain.state = { ...drain.state, emptyAtUnixMs: nowUnixMs() };
          await this.#keep(volumeId, drain.state);
          logger.info({ volumeId, moved: drain.state.moved }, "volume is drained");
        } else await rest(stuck > 0 ? RETRY_MS : AGAIN_MS, signal);
      } catch (err) {
        logger.warn({ err, volumeId }, "draining rests: it goes on");
        await rest(RETRY_MS, signal);
      }
    }
  }

  /** Goes through everything once. `found`: what had a copy on the volume; `stuck`: of those, what has it still. */
  async #pass(volumeId: string, drain: Drain): Promise<{ readonly found: number; readonly stuck: number }> {
    const { care, control, monotonicMs, signal } = this.#parts;
    let [found, stuck] = [this.#isSettled(volumeId, drain) ? 0 : 1, 0];
    for await (const item of walkItems(this.#parts, 0)) {
      if (drain.isCancelled) break;
      if (!item.copies.some((copy) => copy.volumeId === volumeId)) continue;
      found += 1;
      const begunMs = monotonicMs();
      const isMoved = await care.moveAway(item, volumeId);
      if (!isMoved) stuck += 1;
      drain.state = { ...drain.state, moved: drain.state.moved + (isMoved ? 1 : 0) };
      if (control.state.bufferedItems > 0) await rest(BUSY_REST * (monotonicMs() - begunMs), signal);
    }
    return { found, stuck };
  }

  /** Whether every row of the volume is in the catalog: what comes later is behind a pass that begins now. */
  #isSettled(volumeId: string, { settledAtMs }: Drain): boolean {
    const channel = this.#parts.control.state.channels.find((one) => one.volumeId === volumeId);
    return (channel?.itemsUnderWay ?? 0) === 0 && this.#parts.monotonicMs() >= settledAtMs;
  }

  #keep(volumeId: string, state: DrainState): Promise<void> {
    return this.#parts.catalog.storeNote(`${PREFIX}${volumeId}`, JSON.stringify(state));
  }
}
