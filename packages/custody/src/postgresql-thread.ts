/**
 * The thread of a key store in PostgreSQL: it does what its owner waits for, one statement at a time, over one connection.
 *
 * A connection that was lost is made anew at the next call, but for a call that belongs to a transaction of the lost one.
 */
import { readFileSync } from "node:fs";
import { workerData } from "node:worker_threads";
import {
  Client,
  DatabaseError,
  types as defaults,
  type CustomTypesConfig,
  type QueryConfig,
  type QueryResult,
} from "pg";
import type { Row } from "./rows.ts";
import type { BridgeCall, BridgeFailure, BridgeReply, BridgeStart } from "./postgresql-messages.ts";

const { place, signal, port } = workerData as BridgeStart;

/** Longer than a busy server takes to answer, shorter than the owner's deadline. */
const CONNECT_MS = 5000;
/** After a connection that failed, how long calls fail at once: they wait for one another. */
const PAUSE_MS = 500;

/** OIDs of PostgreSQL's types. */
const BYTEA = 17;
const INT8 = 20;

/** What a connection is set to: durable commits, and no lock that outlives its owner for long. */
const SESSION = `
  SET synchronous_commit = on;
  SET search_path = pericard_keys;
  SET idle_in_transaction_session_timeout = '20s';
  SET lock_timeout = '8s';
  SET client_min_messages = error;`;

let client: Client | undefined;
let failedAtMs = Number.NEGATIVE_INFINITY;

class BridgeError extends Error {
  readonly failure: BridgeFailure;

  constructor(kind: BridgeFailure["kind"], code: string) {
    super(code);
    this.failure = { kind, code };
  }
}

/** Numbers that are safe integers stay exact; the store writes no others. */
const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") => {
    if (oid === INT8) return Number;
    const parse = defaults.getTypeParser(oid, format as "text");
    // Bytes of their own: others share memory that would be copied with them.
    return oid === BYTEA ? (text: string) => new Uint8Array(parse(text) as Buffer) : parse;
  }) as CustomTypesConfig["getTypeParser"],
};

async function connect(): Promise<Client> {
  if (performance.now() - failedAtMs < PAUSE_MS) throw new BridgeError("connection", "PAUSED");
  const { host, user, database, ssl, passwordFile } = place;
  const made = new Client({
    host,
    port: place.port,
    user,
    database,
    ssl: ssl && { ...ssl },
    password: readFileSync(passwordFile, "utf8").trim(),
    connectionTimeoutMillis: CONNECT_MS,
    application_name: "pericard-keys",
    types,
  });
  made.on("error", () => forget(made));
  made.on("end", () => forget(made));
  try {
    await made.connect();
    await made.query(SESSION);
    await requireDurable(made);
    return made;
  } catch (error) {
    failedAtMs = performance.now();
    made.end().catch(() => undefined);
    // Whatever a database says to a newcomer, there is no connection.
    throw error instanceof BridgeError ? error : new BridgeError("connection", codeOf(error));
  }
}

/** A database that does not sync, or is a copy that only reads, must never be trusted with a key. */
async function requireDurable(made: Client): Promise<void> {
  const sql =
    "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages, pg_is_in_recovery() AS standby";
  const { rows } = await made.query<{ fsync: string; pages: string; standby: boolean }>(sql);
  const [found] = rows;
  if (found?.standby !== false) throw new BridgeError("connection", "STANDBY");
  if (found.fsync !== "on" || found.pages !== "on") throw new BridgeError("connection", "NOT_DURABLE");
}

function forget(one: Client): void {
  if (client === one) client = undefined;
}

async function run({ id, sql, parameters, continues, deadlineMs }: BridgeCall): Promise<BridgeReply> {
  if (!client && continues) throw new BridgeError("connection", "LOST");
  client ??= await connect();
  const values = parameters.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value));
  const limits = { query_timeout: deadlineMs };
  const query = values.length > 0 ? { text: sql, values, ...limits } : { text: sql, ...limits };
  const result = await client.query<Row>(query as QueryConfig);
  const last = Array.isArray(result) ? (result as QueryResult<Row>[]).at(-1) : result;
  return { id, rows: last?.rows ?? [], rowCount: last?.rowCount ?? 0 };
}

/** Classes of SQLSTATE after which the connection is of no use: connection exceptions, shutdown and the like. */
const CONNECTION_STATES = /^(08|57P|28|3D|53)/;

function failureOf(error: unknown): BridgeFailure {
  if (error instanceof BridgeError) return error.failure;
  const text = codeOf(error);
  const isStatement = error instanceof DatabaseError && !CONNECTION_STATES.test(text);
  return { kind: isStatement ? "statement" : "connection", code: text };
}

/** SQLSTATE, the system's code, or what kind of error it is. */
function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return code;
  return error instanceof Error && error.name !== "Error" ? error.name : "LOST";
}

/** A connection of which it is not certain what it did last is not used again. */
function drop(): void {
  const dropped = client;
  client = undefined;
  dropped?.end().catch(() => undefined);
}

/**
 * Does a call. One that begins something is done again over a new connection when the old one turns out to be gone, since
 * nothing of it is kept then: after a restart of the database nobody notices it.
 */
async function answer(call: BridgeCall): Promise<BridgeReply> {
  const begunAtMs = performance.now();
  const wasOpen = client !== undefined;
  try {
    return await run(call);
  } catch (error) {
    const failure = failureOf(error);
    if (failure.kind === "statement") return { id: call.id, failure };
    drop();
    const mayRepeat = wasOpen && !call.continues && performance.now() - begunAtMs < call.deadlineMs / 4;
    return mayRepeat ? answer(call) : { id: call.id, failure };
  }
}

port.on("message", (call: BridgeCall) => {
  void answer(call).then((reply) => {
    port.postMessage(reply);
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  });
});
