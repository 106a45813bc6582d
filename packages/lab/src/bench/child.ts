/** The outside of a child process. */
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { BenchError } from "./errors.ts";
import type { ChildAnswer, ChildMethods } from "./child-messages.ts";

const COMPLAINT_LENGTH_MAX = 4000;

export interface ChildOptions {
  /** The core that the child is held to, or undefined for any. */
  readonly core: number | undefined;
  /** Arguments for Node itself, such as `--cpu-prof`. */
  readonly nodeArguments: readonly string[];
  /** Variables beside this process's own. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A running child. */
export interface Child<Methods extends ChildMethods> {
  /** @throws {BenchError} ERR_BENCH_CHILD when the child fails or ends. */
  ask<Name extends keyof Methods & string>(
    method: Name,
    ...args: Parameters<Methods[Name]>
  ): Promise<Awaited<ReturnType<Methods[Name]>>>;
  /** Stops it in its tracks, so that it takes no time from another child on its core. */
  pause(): void;
  resume(): void;
  /** The most memory that it ever had resident, in bytes; 0 where the system does not tell. */
  peakResidentBytes(): number;
  /** Tells it to stop; resolves when it has ended. */
  end(): Promise<void>;
  /** Ends it, whatever it is doing. */
  kill(): void;
}

function startProcess(module: URL, { core, nodeArguments, environment }: ChildOptions): ChildProcess {
  const held = core === undefined ? [] : ["-c", String(core), process.execPath];
  return fork(module, {
    execPath: core === undefined ? process.execPath : "taskset",
    execArgv: [...held, ...nodeArguments],
    env: { ...process.env, ...environment },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}

/** `VmHWM` of a process. Source: proc(5). */
function peakResidentBytes(pid: number | undefined): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return 1024 * Number(kib ?? 0);
  } catch {
    return 0;
  }
}

/** Starts a module that calls `serveParent`. */
export function startChild<Methods extends ChildMethods>(module: URL, options: ChildOptions): Child<Methods> {
  const child = startProcess(module, options);
  let complaint = "";
  child.stderr?.on("data", (text: Buffer) => {
    complaint = `${complaint}${text.toString()}`.slice(-COMPLAINT_LENGTH_MAX);
  });
  let waiting: PromiseWithResolvers<unknown> | undefined;
  const fail = (reason: string): void => waiting?.reject(new BenchError("ERR_BENCH_CHILD", reason));
  child.on("message", (answer: ChildAnswer) => {
    if ("failure" in answer) fail(`child failed: ${answer.failure}`);
    else waiting?.resolve(answer.value);
  });
  child.on("error", (error) => fail(`child cannot run: ${error.message}`));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.on("exit", (code) => fail(`child ended with ${code}: ${complaint}`));
  const ask = (method: string, argument?: unknown): Promise<unknown> => {
    waiting = Promise.withResolvers();
    if (child.connected) child.send({ method, argument });
    else fail(`child has ended: ${complaint}`);
    return waiting.promise;
  };
  return {
    ask: ask as Child<Methods>["ask"],
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    peakResidentBytes: () => peakResidentBytes(child.pid),
    end: async () => {
      child.kill("SIGCONT");
      await ask("stop");
      await ended;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}
