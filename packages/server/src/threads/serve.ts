/** The inside of a thread: answers calls with the functions that it is given. */
import { parentPort } from "node:worker_threads";
import { codeOf } from "../errors.ts";
import type { ThreadCall, ThreadMethods, ThreadReply } from "./messages.ts";

/** Buffers that an answer hands over instead of copying. */
export interface Handover<T> {
  readonly value: T;
  readonly transfer: readonly ArrayBuffer[];
}

const HANDOVER = Symbol("handover");

/** Marks an answer whose buffers move to the owner. */
export function handOver<T>(value: T, transfer: readonly ArrayBuffer[]): T {
  return { [HANDOVER]: { value, transfer } } as T;
}

function failureOf(error: unknown): { name: string; message: string; code: string | undefined } {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, message, code: codeOf(error) };
}

/** Answers every call of the owner. Calls of a method that does not exist fail. */
export function serveThread(methods: ThreadMethods): void {
  const port = parentPort;
  if (!port) throw new Error("this module runs as a thread");
  port.on("message", (call: ThreadCall) => {
    try {
      const method = methods[call.method];
      if (!method) throw new TypeError(`thread has no method ${call.method}`);
      const result = method(...(call.args as never[]));
      const handed = (result as { [HANDOVER]?: Handover<unknown> } | undefined)?.[HANDOVER];
      const reply: ThreadReply = { id: call.id, value: handed ? handed.value : result };
      port.postMessage(reply, handed ? [...handed.transfer] : []);
    } catch (error) {
      const reply: ThreadReply = { id: call.id, failure: failureOf(error) };
      port.postMessage(reply);
    }
  });
}
