/**
 * The scrubber: reads every copy of everything in the course of 30 days, and heals what it finds. Its position survives
 * restarts. On demand it goes through all, or through one volume, at once.
 *
 * Source: docs/operating/volumes.md.
 */
import type { Logger } from "pino";
import type { Audit } from "../access/audit.ts";
import type { Catalog, CopiedItem } from "../catalog/catalog.ts";
import type { VolumeSet } from "../volumes/volume-set.ts";
import type { ControlArea } from "./control-area.ts";
import type { CareReport, CopyCare, Finding } from "./copy-care.ts";
import { rest, walkItems } from "./walk.ts";

/** A volume is gone through in this time. */
const WALK_MS = 30 * 24 * 3_600_000;
/** A walk that would read less than this in a millisecond reads this much, and is over sooner. */
const PACE_BYTES_MIN = 64;
/** Small installations are gone through once in this time. */
const WALK_EVERY_MS = 24 * 3_600_000;
const START_AFTER_MS = 60_000;
const LOOK_MS = 60_000;
const NOTE_ITEMS = 64;
const NOTE = "scrub";
/** Findings that are named; further ones are counted. */
const FINDINGS_MAX = 100;
/** While clients send, a walk on demand rests so many times as long as it works. */
const BUSY_REST = 4;

/** How far a walk is. */
export interface ScrubReport {
  readonly items: number;
  readonly bytes: number;
  /** Copies that were damaged, and how many of them were made again. */
  readonly bad: number;
  readonly healed: number;
  /** Missing copies that were made, and that are missing still. */
  readonly made: number;
  readonly missing: number;
  /** Items of which no whole copy is left. */
  readonly lost: number;
  readonly findings: readonly Finding[];
}

/** The walk in the background. */
export interface ScrubState extends Omit<ScrubReport, "findings"> {
  readonly afterKey: number;
  readonly begunAtUnixMs: number;
  readonly completedAtUnixMs: number | null;
}

const NOTHING: ScrubReport = { items: 0, bytes: 0, bad: 0, healed: 0, made: 0, missing: 0, lost: 0, findings: [] };

export interface ScrubberParts {
  readonly catalog: Catalog;
  readonly care: CopyCare;
  readonly control: ControlArea;
  readonly volumes: VolumeSet;
  readonly audit: Audit;
  readonly logger: Logger;
  readonly nowUnixMs: () => number;
  readonly monotonicMs: () => number;
  readonly signal: AbortSignal;
}

/** A walk on demand, which goes on when nobody listens. */
interface Run {
  report: ScrubReport;
  isDone: boolean;
  readonly done: Promise<void>;
}

function added(report: ScrubReport, { bytesRead, findings, made, missing, isLost }: CareReport): ScrubReport {
  return {
    items: report.items + 1,
    bytes: report.bytes + bytesRead,
    bad: report.bad + findings.length,
    healed: report.healed + findings.filter(({ healed }) => healed).length,
    made: report.made + made,
    missing: report.missing + missing,
    lost: report.lost + (isLost ? 1 : 0),
    findings: [...report.findings, ...findings].slice(0, FINDINGS_MAX),
  };
}

export class Scrubber {
  readonly #parts: ScrubberParts;
  readonly #runs = new Map<string, Run>();
  #state: ScrubState | undefined;

  constructor(parts: ScrubberParts) {
    this.#parts = parts;
  }

  /** How far the walk in the background is; undefined before the first. */
  get state(): ScrubState | undefined {
    return this.#state;
  }

  /** Begins the walk in the background. */
  start(): void {
    this.#goOn().catch((err: unknown) => this.#parts.logger.error({ err }, "scrubber ended"));
  }

  /**
   * Goes through everything, or through what one volume has, now. Who asks while that is under way follows it.
   *
   * @returns what was found.
   */
  async *scrubNow(volumeId: string | undefined): AsyncGenerator<ScrubReport, ScrubReport> {
    const run = this.#runs.get(volumeId ?? "") ?? this.#begin(volumeId);
    while (!run.isDone) {
      yield run.report;
      await Promise.race([run.done, rest(500, this.#parts.signal)]);
    }
    await run.done;
    return run.report;
  }

  #begin(volumeId: string | undefined): Run {
    const name = volumeId ?? "";
    const run: Run = { report: NOTHING, isDone: false, done: Promise.resolve() };
    const done = this.#walkNow(volumeId, run).finally(() => {
      run.isDone = true;
      this.#runs.delete(name);
    });
    done.catch(() => undefined);
    const begun = Object.assign(run, { done });
    this.#runs.set(name, begun);
    return begun;
  }

  async #walkNow(volumeId: string | undefined, run: Run): Promise<void> {
    const { control, monotonicMs, signal } = this.#parts;
    for await (const item of walkItems(this.#parts, 0)) {
      if (volumeId !== undefined && !item.copies.some((copy) => copy.volumeId === volumeId)) continue;
      const begunMs = monotonicMs();
      run.report = added(run.report, await this.#check(item));
      const isBusy = control.state.bufferedItems > 0;
      if (isBusy) await rest(BUSY_REST * (monotonicMs() - begunMs), signal);
    }
  }

  async #goOn(): Promise<void> {
    const { signal, nowUnixMs, catalog, logger } = this.#parts;
    const notes = await catalog.listNotes();
    const note = notes.find(({ name }) => name === NOTE);
    this.#state = note && (JSON.parse(note.json) as ScrubState);
    for (await rest(START_AFTER_MS, signal); !signal.aborted; await rest(LOOK_MS, signal)) {
      const state = this.#state;
      const isDue = !state?.completedAtUnixMs || nowUnixMs() - state.begunAtUnixMs >= WALK_EVERY_MS;
      if (!isDue) continue;
      await this.#walk(state?.completedAtUnixMs === null ? state : this.#fresh()).catch((err: unknown) =>
        logger.warn({ err }, "scrubber rests: it goes on where it was"),
      );
    }
  }

  #fresh(): ScrubState {
    const { findings: _, ...counts } = NOTHING;
    return { ...counts, afterKey: 0, begunAtUnixMs: this.#parts.nowUnixMs(), completedAtUnixMs: null };
  }

  async #walk(from: ScrubState): Promise<void> {
    const { signal, nowUnixMs } = this.#parts;
    const pace = Math.max(PACE_BYTES_MIN, (await this.#storedBytes()) / WALK_MS);
    this.#state = from;
    for await (const item of walkItems(this.#parts, from.afterKey)) {
      const report = await this.#check(item);
      const { findings: _, ...counts } = added({ ...this.#state, findings: [] }, report);
      this.#state = { ...this.#state, ...counts, afterKey: item.key };
      if (counts.items % NOTE_ITEMS === 0) await this.#keepState();
      await rest(report.bytesRead / pace, signal);
    }
    if (!signal.aborted) this.#state = { ...this.#state, completedAtUnixMs: nowUnixMs() };
    await this.#keepState();
  }

  /** Bytes of all packs, where volumes tell. */
  async #storedBytes(): Promise<number> {
    const asked = this.#parts.volumes.opened.map((volume) => volume.space().catch(() => undefined));
    return (await Promise.all(asked)).reduce((sum, space) => sum + (space?.packBytes ?? 0), 0);
  }

  #keepState(): Promise<void> {
    return this.#parts.catalog.storeNote(NOTE, JSON.stringify(this.#state));
  }

  async #check(item: CopiedItem): Promise<CareReport> {
    const report = await this.#parts.care.check(item);
    for (const finding of report.findings) await this.#tell(finding);
    if (report.isLost) await this.#tellLost(item);
    return report;
  }

  async #tell({ copy, what, healed }: Finding): Promise<void> {
    const { audit, logger } = this.#parts;
    const { volumeId, fileNumber, offsetBytes } = copy;
    logger.error({ volumeId, fileNumber, offsetBytes, what, healed }, "a copy is damaged");
    if (!healed) return;
    const subject = `volume ${volumeId} pack ${fileNumber} byte ${offsetBytes}: ${what}`;
    await audit.record({ actor: "scrubber", action: "heal copy", subject, outcome: "done" });
  }

  async #tellLost({ kind, recording, copies }: CopiedItem): Promise<void> {
    const places = copies.map(({ volumeId, fileNumber, offsetBytes }) => `${volumeId}/${fileNumber}/${offsetBytes}`);
    const subject = `${recording ?? `statement of kind ${kind}`} at ${places.join(", ")}`;
    this.#parts.logger.fatal({ recording, places }, "no whole copy is left");
    await this.#parts.audit.record({ actor: "scrubber", action: "find no whole copy", subject, outcome: "done" });
  }
}
