/** A command of Pericard as a process of its own that may be killed at any moment, also before it is ready. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import { pericardCommand } from "../demo/child.ts";
import { LabError } from "../errors.ts";

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a program is started with. */
export interface ProgramStart {
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const LOG_LINES_MAX = 40;
const READY_MS = 60_000;

/** One run of a command. */
export class Program {
  readonly pid: number;
  readonly startedAtMs = performance.now();
  /** Its first JSON line. Rejects when it ends before, or says nothing for a minute. */
  readonly ready: Promise<Record<string, unknown>>;
  readonly ended: Promise<Ending>;
  readonly lines: Record<string, unknown>[] = [];
  readonly log: string[] = [];
  readonly #process: ChildProcess;
  readonly #name: string;
  #running = true;

  constructor({ args, environment }: ProgramStart) {
    const [command, ...rest] = pericardCommand(args);
    this.#name = args.slice(0, 2).join(" ");
    this.#process = spawn(command, rest, { env: { ...process.env, ...environment } });
    this.pid = this.#process.pid ?? 0;
    this.#process.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.#process.on("close", (code, signal) => {
        this.#running = false;
        resolve({ code, signal });
      });
    });
    this.ready = this.#firstLine();
    this.ready.catch(() => undefined);
    this.#keepLog();
  }

  /** Whether it has not ended yet. */
  get running(): boolean {
    return this.#running;
  }

  /** Its standard input. */
  get stdin(): Writable {
    const { stdin } = this.#process;
    if (!stdin) throw new LabError("ERR_CHILD_FAILED", `${this.#name} has no standard input`);
    return stdin;
  }

  /** Ends it as a power cut would end the process, and waits until it is gone. */
  async kill(): Promise<Ending> {
    this.#process.kill("SIGKILL");
    return this.ended;
  }

  /** Stops it in its tracks: it does nothing more. */
  freeze(): void {
    this.#process.kill("SIGSTOP");
  }

  /** Asks it to stop. @throws {LabError} ERR_CHILD_FAILED unless it ends with code 0. */
  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.success();
  }

  /** Waits for its end. @throws {LabError} ERR_CHILD_FAILED unless that is code 0. */
  async success(): Promise<void> {
    const { code, signal } = await this.ended;
    if (code !== 0) throw this.#failure(`ended with ${signal ?? `code ${code}`}`);
  }

  #failure(what: string): LabError {
    return new LabError("ERR_CHILD_FAILED", `${this.#name} ${what}: ${this.log.join(" | ")}`);
  }

  async #firstLine(): Promise<Record<string, unknown>> {
    const { stdout } = this.#process;
    const first = new Promise<Record<string, unknown>>((resolve) => {
      if (!stdout) return;
      createInterface({ input: stdout }).on("line", (text) => {
        const line = JSON.parse(text) as Record<string, unknown>;
        this.lines.push(line);
        resolve(line);
      });
    });
    const ended = this.ended.then(({ code, signal }): never => {
      throw this.#failure(`ended with ${signal ?? `code ${code}`} before it was ready`);
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#failure("said nothing for a minute")), READY_MS);
    });
    return Promise.race([first, ended, late]).finally(() => clearTimeout(timer));
  }

  #keepLog(): void {
    const { stderr } = this.#process;
    if (!stderr) return;
    createInterface({ input: stderr }).on("line", (line) => {
      this.log.push(line);
      if (this.log.length > LOG_LINES_MAX) this.log.shift();
    });
  }
}
