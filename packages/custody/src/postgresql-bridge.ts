/**
 * Calls to PostgreSQL that wait for their answer, as the key store needs them: a thread of their own does the calls, and the
 * caller sleeps until it is woken or its time is over. A thread that does not answer in time is left behind with its
 * connection, and the next call starts another.
 */
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from "node:worker_threads";
import { CustodyError } from "./errors.ts";
import type { SqlValue } from "./key-database.ts";
import type { BridgeCall, BridgeFailure, BridgeReply, BridgeStart, PostgresqlPlace } from "./postgresql-messages.ts";

/** How long an answer is waited for: longer than the database's own limits, shorter than clients wait. */
export const DEADLINE_MS = 12_000;
/** The thread's own share of it, for what the network swallows. */
const QUERY_SHARE = 0.85;
const HEAP_MEGABYTES_MAX = 128;

/** What a statement gave. */
export type Answer = Extract<BridgeReply, { readonly rowCount: number }>;

/** Thrown for what the database says of a statement; its connection is whole. */
export class StatementError extends Error {
  /** SQLSTATE. */
  readonly code: string;

  constructor(code: string) {
    super(`database refuses a statement: ${code}`);
    this.name = "StatementError";
    this.code = code;
  }
}

interface Running {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly signal: Int32Array<SharedArrayBuffer>;
}

function start(place: PostgresqlPlace): Running {
  const { port1, port2 } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const workerData: BridgeStart = { place, signal, port: port2 };
  const worker = new Worker(new URL("./postgresql-thread.ts", import.meta.url), {
    workerData,
    transferList: [port2],
    resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: HEAP_MEGABYTES_MAX },
  });
  // What goes wrong with it is seen by the call that waits for it.
  worker.on("error", () => undefined);
  worker.unref();
  port1.unref();
  return { worker, port: port1, signal };
}

/** A bridge to one database. */
export class PostgresqlBridge {
  readonly #place: PostgresqlPlace;
  #running: Running | undefined;
  #lastId = 0;

  constructor(place: PostgresqlPlace) {
    this.#place = place;
  }

  /**
   * Does one call and waits for it.
   *
   * @param continues whether it belongs to the transaction of the call before.
   * @throws {CustodyError} ERR_KEYSTORE_UNAVAILABLE when there is no connection, or none any more: what the call changed may be
   * kept or not. @throws {StatementError}.
   */
  call(sql: string, parameters: readonly SqlValue[], continues: boolean, deadlineMs = DEADLINE_MS): Answer {
    if (continues && !this.#running) throw unavailable({ kind: "connection", code: "LOST" });
    this.#running ??= start(this.#place);
    const { port, signal } = this.#running;
    this.#lastId += 1;
    const call: BridgeCall = { id: this.#lastId, sql, parameters, continues, deadlineMs: deadlineMs * QUERY_SHARE };
    Atomics.store(signal, 0, 0);
    port.postMessage(call);
    const reply = isAnswered(signal, deadlineMs) && (receiveMessageOnPort(port)?.message as BridgeReply | undefined);
    if (!reply || reply.id !== call.id) {
      this.close();
      throw unavailable({ kind: "connection", code: "TIMEOUT" });
    }
    if (!("failure" in reply)) return reply;
    throw reply.failure.kind === "connection" ? unavailable(reply.failure) : new StatementError(reply.failure.code);
  }

  /** Ends the thread and its connection. A later call starts another. */
  close(): void {
    const { worker, port } = this.#running ?? {};
    this.#running = undefined;
    port?.close();
    void worker?.terminate();
  }
}

/** Sleeps until the signal is set. The wake-up call of the answer before may come late, when nothing is set. */
function isAnswered(signal: Running["signal"], deadlineMs: number): boolean {
  const giveUpAtMs = performance.now() + deadlineMs;
  while (Atomics.load(signal, 0) === 0) {
    const leftMs = giveUpAtMs - performance.now();
    if (leftMs <= 0) return false;
    Atomics.wait(signal, 0, 0, leftMs);
  }
  return true;
}

function unavailable({ code }: BridgeFailure): CustodyError {
  return new CustodyError("ERR_KEYSTORE_UNAVAILABLE", `key store's database does not answer: ${code}`);
}
