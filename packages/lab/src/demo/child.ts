/** Programs of Pericard as processes of their own. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { LabError } from "../errors.ts";

const BIN = fileURLToPath(new URL("../../../cli/bin/pericard.js", import.meta.url));
const READY_MS = 60_000;

/** A program that runs. */
export interface Child {
  readonly process: ChildProcess;
  /** The first JSON line that it printed. */
  readonly ready: Record<string, unknown>;
  /** Every JSON line so far, the newest last. */
  readonly lines: readonly Record<string, unknown>[];
  /** Asks it to stop and waits until it has. @returns its exit code. */
  stop(): Promise<number>;
  /** Resolves with the exit code when it ends by itself. */
  readonly ended: Promise<number>;
}

export interface ChildOptions {
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with each line of its stderr. */
  readonly onLog: (line: string) => void;
  /** Called with each JSON line of its stdout. */
  readonly onLine?: (line: Record<string, unknown>) => void;
}

/** The command line that starts a program of Pericard, for those who spawn it themselves. */
export function pericardCommand(args: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, BIN, ...args];
}

/**
 * Starts a program and waits for its first JSON line.
 *
 * @throws {LabError} ERR_CHILD_FAILED when it ends or says nothing within a minute.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const [command, ...args] = pericardCommand(options.args);
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.environment },
  });
  const lines: Record<string, unknown>[] = [];
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    errors.push(line);
    if (errors.length > 20) errors.shift();
    options.onLog(line);
  });
  const ended = new Promise<number>((resolve) => {
    child.on("close", (code) => resolve(code ?? 1));
  });
  const first = new Promise<Record<string, unknown>>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text) as Record<string, unknown>;
      lines.push(line);
      options.onLine?.(line);
      resolve(line);
    });
  });
  const failed = ended.then((code): never => {
    const name = options.args.slice(0, 2).join(" ");
    throw new LabError("ERR_CHILD_FAILED", `${name} ended with code ${code}: ${errors.join(" | ")}`);
  });
  failed.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new LabError("ERR_CHILD_FAILED", `${options.args.slice(0, 2).join(" ")} said nothing for a minute`));
    }, READY_MS);
  });
  const ready = await Promise.race([first, failed, late]).finally(() => clearTimeout(timer));
  const stop = (): Promise<number> => {
    child.kill("SIGTERM");
    return ended;
  };
  return { process: child, ready, lines, stop, ended };
}
