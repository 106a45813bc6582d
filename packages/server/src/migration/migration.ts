/**
 * Moves an embedded installation to engines: the long part while the server goes on, the end while it stands still.
 *
 * Source: docs/operating/migrate.md.
 */
import { SourceCatalog } from "../catalog/sqlite/source-catalog.ts";
import { keyFolderPaths, type ServerConfig } from "../config.ts";
import { rest } from "../control/walk.ts";
import { ServerError } from "../errors.ts";
import { settingsOnEngines } from "../settings.ts";
import type { BucketVolumeOptions } from "../volumes/bucket-volume.ts";
import { compareStep } from "./compare-packages.ts";
import { PackageCopier } from "./copy-packages.ts";
import type { FindVolume } from "./slices.ts";
import { switchOver, type Switched } from "./switch-over.ts";
import { openTarget, requireWay, type MigrationTarget } from "./target.ts";

export interface MigrationParts {
  readonly config: ServerConfig;
  /** Folder of the catalog. */
  readonly catalogPath: string;
  readonly findVolume: FindVolume;
  readonly options: BucketVolumeOptions;
  /** Whether clients send just now. */
  readonly isBusy: () => boolean;
  readonly monotonicMs: () => number;
  /** Aborts at the end of the server. */
  readonly signal: AbortSignal;
  /** Stops the server but for the operator's face, and runs `work` with the volumes alone. Clients are sent away meanwhile. */
  readonly standStill: <T>(work: (findVolume: FindVolume) => Promise<T>) => Promise<T>;
  /** Has the server that stood still started anew over its settings, whatever came of it. */
  readonly restart: () => void;
}

/** How far it is. */
export interface MigrationProgress {
  readonly phase: "copying" | "comparing" | "switching";
  readonly packages: number;
  readonly ofPackages: number;
}

/** What there is to move. */
export interface MigrationPlan {
  readonly packages: number;
  readonly bytes: number;
  readonly segments: number;
  readonly recordings: number;
}

/** What was moved, and how long clients were sent away, in milliseconds. */
export interface MigrationReport extends Switched {
  readonly stoodStillMs: number;
}

/** So few packages may be left for the end. */
const LEFT_MAX = 64;
/** While clients send, copying rests so many times as long as it works. */
const BUSY_REST = 1;
const AGAIN_MS = 50;

export class Migration {
  readonly #parts: MigrationParts;
  #isRunning = false;
  #stoodStill = false;
  #isTold = false;

  constructor(parts: MigrationParts) {
    this.#parts = parts;
  }

  /** What a migration would move. Nothing is opened or changed. @throws as {@link run} for settings that would not do. */
  plan(engines: Readonly<Record<string, unknown>>): MigrationPlan {
    const { config } = this.#parts;
    requireWay(config, settingsOnEngines(config.dataPath, engines).config);
    const source = this.#openSource();
    try {
      const { packages, segments, recordings } = source.ask(
        "SELECT (SELECT COUNT(*) FROM packages) AS packages, (SELECT COUNT(*) FROM segments) AS segments," +
          " (SELECT COUNT(*) FROM recordings) AS recordings",
      );
      const { bytes } = source.ask("SELECT COALESCE(SUM(size), 0) AS bytes FROM copies");
      return {
        packages: Number(packages),
        bytes: Number(bytes),
        segments: Number(segments),
        recordings: Number(recordings),
      };
    } finally {
      source.close();
    }
  }

  /**
   * Moves everything, and tells how far it is. When it returns the server is about to start on the engines; when it throws, to go
   * on as it was.
   *
   * @throws {ServerError} ERR_REQUEST_RANGE when one runs; ERR_SERVER_CONFIG, ERR_MIGRATION_TARGET, ERR_MIGRATION_DIFFERS,
   * ERR_DATA_UNREADABLE, ERR_STORE_UNAVAILABLE, and what engines refuse with.
   */
  async *run(engines: Readonly<Record<string, unknown>>): AsyncGenerator<MigrationProgress, MigrationReport> {
    if (this.#isRunning && !this.#isTold) throw new ServerError("ERR_REQUEST_RANGE", "a migration is under way");
    // One that nobody listens to any more ends with the step that it is at.
    while (this.#isRunning) await rest(AGAIN_MS, this.#parts.signal);
    this.#requireGoing();
    [this.#isRunning, this.#isTold] = [true, false];
    const { config, options, monotonicMs } = this.#parts;
    let source: SourceCatalog | undefined;
    let target: MigrationTarget | undefined;
    try {
      source = this.#openSource();
      target = await openTarget(config, settingsOnEngines(config.dataPath, engines), source.id, options);
      yield* this.#goAlong(source, target);
      yield { ...(await progressOf(source, target)), phase: "switching" };
      const begunMs = monotonicMs();
      const parts = { source, target, keyFolderPaths: keyFolderPaths(config) };
      this.#stoodStill = true;
      const switched = await this.#parts.standStill((findVolume) => switchOver({ ...parts, findVolume }));
      return { ...switched, stoodStillMs: Math.round(monotonicMs() - begunMs) };
    } finally {
      source?.close();
      await target?.close();
      this.#isRunning = false;
      this.#settle();
    }
  }

  /** Says that nobody listens to {@link run} any more: a server that stood still starts anew then. */
  told(): void {
    this.#isTold = true;
    this.#settle();
  }

  #settle(): void {
    if (this.#stoodStill && this.#isTold && !this.#isRunning) this.#parts.restart();
  }

  /** Copies and compares while the server goes on, until hardly anything is left. */
  async *#goAlong(source: SourceCatalog, target: MigrationTarget): AsyncGenerator<MigrationProgress> {
    const { findVolume } = this.#parts;
    const { catalog, buckets, next } = target;
    const both = { source, findVolume, target: catalog, buckets, copyCount: next.config.copyCount };
    const copier = new PackageCopier(both);
    const steps = [
      ["copying", () => copier.step()],
      ["copying", () => copier.stepAudit()],
      ["comparing", () => compareStep(both)],
    ] as const;
    for (let most = Infinity; most > LEFT_MAX;) {
      most = 0;
      for (const [phase, step] of steps) {
        for (let done = Infinity; done > LEFT_MAX;) {
          this.#requireGoing();
          done = await this.#restful(step);
          most = Math.max(most, done);
          yield { ...(await progressOf(source, target, phase)), phase };
        }
      }
    }
  }

  async #restful(step: () => Promise<number>): Promise<number> {
    const { isBusy, monotonicMs, signal } = this.#parts;
    const begunMs = monotonicMs();
    const done = await step();
    if (isBusy()) await rest(BUSY_REST * (monotonicMs() - begunMs), signal);
    return done;
  }

  #requireGoing(): void {
    if (this.#parts.signal.aborted || this.#stoodStill)
      throw new ServerError("ERR_THREAD_ENDED", "server stops: migrate again later");
  }

  #openSource(): SourceCatalog {
    return new SourceCatalog(this.#parts.catalogPath);
  }
}

async function progressOf(
  source: SourceCatalog,
  { catalog }: MigrationTarget,
  phase: "copying" | "comparing" = "copying",
): Promise<Omit<MigrationProgress, "phase">> {
  const { n } = source.ask("SELECT COALESCE(MAX(key), 0) AS n FROM packages");
  const packages = phase === "comparing" ? await catalog.comparedKey() : (await catalog.reached()).key;
  return { packages, ofPackages: Number(n) };
}
