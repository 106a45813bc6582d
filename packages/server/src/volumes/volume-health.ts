/**
 * How a volume is, from what its calls did: up, full, down, and recovering while what was down is probed. Every adapter holds
 * one, so that all fail and come back in the same way.
 *
 * Source: paper B §3 (idle detection); docs/operating/volumes.md.
 */
import { codeOf, ServerError } from "../errors.ts";
import type { VolumeReport, VolumeState } from "./volume.ts";

export interface HealthOptions {
  /** A call that takes longer makes the volume down. */
  readonly deadlineMs: number;
  /** Pause before a volume that is down or full is probed. */
  readonly retryMs: number;
  readonly monotonicMs: () => number;
  readonly nowUnixMs: () => number;
}

/** What an adapter does when its volume's health asks for it. */
export interface HealthActions {
  /** Writes, syncs and reads back something small. Throws what is wrong, as a call does. */
  readonly probe: () => Promise<void>;
  /** A call missed its deadline: whatever runs it is left behind. */
  readonly abandon: () => void;
}

/** How often a pause is looked at. */
const LOOK_MS = 100;

/** A promise that fails with ERR_VOLUME_DOWN when it is not settled in time. */
export async function within<T>(deadlineMs: number, call: Promise<T>, late: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ServerError("ERR_VOLUME_DOWN", `did not answer within ${deadlineMs} ms`));
      late();
    }, deadlineMs);
  });
  try {
    return await Promise.race([call, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** The innermost of the causes: what the disk said. */
function rootOf(error: unknown): string {
  let found = error;
  while (found instanceof Error && found.cause instanceof Error) found = found.cause;
  return found instanceof Error ? found.message : String(found);
}

export class VolumeHealth {
  readonly #id: string;
  readonly #options: HealthOptions;
  readonly #actions: HealthActions;
  #report: VolumeReport;
  #retryAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(id: string, options: HealthOptions, actions: HealthActions) {
    this.#id = id;
    this.#options = options;
    this.#actions = actions;
    this.#report = { state: "up", reason: null, sinceUnixMs: options.nowUnixMs() };
  }

  get state(): VolumeState {
    return this.#report.state;
  }

  get report(): VolumeReport {
    return this.#report;
  }

  /** Runs a call that stores something. @throws {ServerError} ERR_VOLUME_DOWN, ERR_VOLUME_FULL. */
  async write<T>(call: () => Promise<T>): Promise<T> {
    const { state } = this.#report;
    if (state === "full") throw new ServerError("ERR_VOLUME_FULL", `volume ${this.#id} is full`);
    if (state !== "up") throw this.#down();
    return this.#run(call);
  }

  /**
   * Runs a call that reads. A volume that cannot be written may still be read.
   *
   * @throws {ServerError} ERR_VOLUME_DOWN, ERR_DATA_UNREADABLE.
   */
  read<T>(call: () => Promise<T>): Promise<T> {
    return this.#run(call);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  #down(): ServerError {
    return new ServerError("ERR_VOLUME_DOWN", `volume ${this.#id} is ${this.#report.state}`);
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.#inTime(call);
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #inTime<T>(call: () => Promise<T>): Promise<T> {
    return within(this.#options.deadlineMs, call(), () => this.#actions.abandon());
  }

  #failed(cause: unknown): ServerError {
    const code = codeOf(cause);
    if (code === "ERR_DATA_UNREADABLE") return new ServerError(code, "copy is damaged or gone", { cause });
    const isFull = code === "ERR_VOLUME_FULL";
    if (this.#report.state !== "down") {
      this.#enter(isFull ? "full" : "down", rootOf(cause));
      this.#retryAtMs = this.#options.monotonicMs() + this.#options.retryMs;
      this.#look();
    }
    const what = isFull ? "is full" : "is down";
    return new ServerError(isFull ? "ERR_VOLUME_FULL" : "ERR_VOLUME_DOWN", `volume ${this.#id} ${what}`, { cause });
  }

  #enter(state: VolumeState, reason: string | null): void {
    const goesOn = state === this.#report.state || (state !== "up" && this.#report.state !== "up");
    this.#report = { state, reason, sinceUnixMs: goesOn ? this.#report.sinceUnixMs : this.#options.nowUnixMs() };
  }

  /** Looks, until it works again, whether the pause is over. */
  #look(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    let isProbing = false;
    this.#timer = setInterval(() => {
      if (isProbing || this.#options.monotonicMs() < this.#retryAtMs) return;
      isProbing = true;
      void this.#recover().finally(() => {
        isProbing = false;
      });
    }, LOOK_MS);
    this.#timer.unref();
  }

  async #recover(): Promise<void> {
    if (this.#report.state === "down") this.#enter("recovering", this.#report.reason);
    try {
      await this.#inTime(this.#actions.probe);
      this.#enter("up", null);
      clearInterval(this.#timer);
      this.#timer = undefined;
    } catch (cause) {
      this.#failed(cause);
    }
  }
}
