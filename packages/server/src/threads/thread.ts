/** The outside of a thread: its functions as promises. */
import { Worker } from "node:worker_threads";
import { codeOf, ServerError } from "../errors.ts";
import type { ThreadMethods, ThreadReply } from "./messages.ts";

/** How long a thread may answer nothing before it is taken for hung, and what its callers are told then. */
export interface ThreadDeadline {
  readonly deadlineMs: number;
  readonly late: () => Error;
}

/** The functions of a thread as its owner calls them. */
export type ThreadCalls<Methods extends ThreadMethods> = {
  readonly [Name in keyof Methods]: (...args: Parameters<Methods[Name]>) => Promise<ReturnType<Methods[Name]>>;
};

/** A running thread. */
export interface Thread<Methods extends ThreadMethods> {
  readonly calls: ThreadCalls<Methods>;
  /** Ends the thread; calls under way fail. A thread that hangs in the kernel is left behind. */
  end(): void;
}

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** An error that a thread threw, with the code that it had there. */
export class ThreadError extends Error {
  readonly code: string | undefined;

  constructor(failure: { name: string; message: string; code: string | undefined }) {
    super(failure.message);
    this.name = failure.name;
    this.code = failure.code;
  }
}

/** What ended a thread: an error of ours, which has a name of its own, keeps its code. */
function startError(cause: unknown): Error {
  const code = codeOf(cause);
  return cause instanceof Error && code !== undefined && cause.name !== "Error"
    ? new ThreadError({ name: cause.name, message: cause.message, code })
    : new ServerError("ERR_THREAD_ENDED", "thread failed", { cause });
}

/**
 * Starts a thread from a module that calls `serveThread`.
 *
 * @param methodNames the methods that `calls` has.
 * @param heapMegabytesMax bound of the thread's heap. It also keeps the heap from growing before it must: garbage is
 * collected sooner. Beyond it the thread ends.
 * @param deadline when nothing is answered for so long, everything that waits fails, and what comes fails at once, until the
 * thread answers again. What a late call does is done all the same. None when not given.
 */
export function startThread<Methods extends ThreadMethods>(
  module: URL,
  workerData: unknown,
  methodNames: readonly (keyof Methods & string)[],
  heapMegabytesMax: number,
  deadline?: ThreadDeadline,
): Thread<Methods> {
  const worker = new Worker(module, {
    workerData,
    resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: heapMegabytesMax },
  });
  worker.unref();
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let ended: Error | undefined;
  let isHung = false;
  let timer: NodeJS.Timeout | undefined;
  const failWaiting = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
  };
  const failAll = (error: Error): void => {
    ended ??= error;
    clearTimeout(timer);
    failWaiting(error);
    waiting.clear();
  };
  /** Waits for the next answer, while there is one to wait for. */
  const watch = (): void => {
    if (!deadline) return;
    clearTimeout(timer);
    if (waiting.size === 0) return;
    timer = setTimeout(() => {
      isHung = true;
      failWaiting(deadline.late());
    }, deadline.deadlineMs);
    timer.unref();
  };
  worker.on("message", (reply: ThreadReply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    isHung = false;
    watch();
    if (waiting.size === 0) worker.unref();
    if ("failure" in reply) call?.reject(new ThreadError(reply.failure));
    else call?.resolve(reply.value as never);
  });
  worker.on("error", (cause) => failAll(startError(cause)));
  worker.on("exit", () => failAll(new ServerError("ERR_THREAD_ENDED", "thread ended")));
  const invoke = (method: string, args: readonly unknown[]): Promise<never> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      if (isHung && deadline) return reject(deadline.late());
      const id = nextId;
      nextId += 1;
      waiting.set(id, { resolve, reject });
      if (waiting.size === 1) watch();
      worker.ref();
      worker.postMessage({ id, method, args });
    });
  const calls = Object.fromEntries(methodNames.map((name) => [name, (...args: unknown[]) => invoke(name, args)]));
  return {
    calls: calls as unknown as ThreadCalls<Methods>,
    end: () => {
      failAll(new ServerError("ERR_THREAD_ENDED", "thread was ended"));
      void worker.terminate();
    },
  };
}
