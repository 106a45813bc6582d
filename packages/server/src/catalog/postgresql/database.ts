/**
 * Connections to a PostgreSQL database, and the two ways to ask it. What is asked is prepared once on each connection.
 *
 * A database that does not answer in time is given up for that call, and asked anew at the next.
 */
import { DatabaseError, Pool, types, type ClientBase, type PoolClient } from "pg";
import { ServerError } from "../../errors.ts";
import type { SqlRow } from "../rows.ts";
import type { PostgresqlAddress } from "./address.ts";

/** Schema of the database in which all tables are. */
export const SCHEMA = "pericard_catalog";

/** Connections of one server. */
const CONNECTIONS_MAX = 8;
/** How long a connection may take, a lock, a statement at the database, and its answer on the way, in milliseconds. */
export interface Deadlines {
  readonly connectMs: number;
  readonly lockMs: number;
  readonly statementMs: number;
  readonly answerMs: number;
}

/** Shorter than clients wait. */
const DEADLINES: Deadlines = { connectMs: 5000, lockMs: 8000, statementMs: 10_000, answerMs: 15_000 };

/** How often a transaction is tried that the database ended to resolve a deadlock. */
const ATTEMPTS = 5;

/** Sends one statement. @returns its rows. */
export type Ask = (text: string, ...values: readonly unknown[]) => Promise<readonly SqlRow[]>;

export interface Database {
  /** Runs one statement as a transaction of its own, durable when it resolves. */
  readonly ask: Ask;
  /** Runs work as one transaction, durable when it resolves. Work is run again after a deadlock. */
  transact<T>(work: (ask: Ask) => Promise<T>): Promise<T>;
  /**
   * Takes a lock that one holder in the whole installation has, while `work` runs; others wait for it.
   *
   * @param onWait is called now and then while another holds it.
   */
  exclusively<T>(lock: number, work: () => Promise<T>, onWait: () => void): Promise<T>;
  close(): Promise<void>;
}

const BIGINT = 20;
const BYTEA = 17;

/** Values as the catalog uses them: safe integers as numbers, bytes in memory of their own. */
const TYPES = {
  getTypeParser: (oid: number, format?: "text" | "binary") => {
    if (oid === BIGINT) return Number;
    if (oid === BYTEA) return (text: string) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
    return types.getTypeParser(oid, format as "text") as (text: string) => unknown;
  },
} as typeof types & { readonly getTypeParser: typeof types.getTypeParser };

/** A defect of this program: data, constraint, syntax. The same statement would fail for ever. */
const isDefect = (state: string): boolean => /^(22|23|42|0A)/.test(state);

const stateOf = (error: unknown): string | undefined => (error instanceof DatabaseError ? error.code : undefined);

/** What callers see of a failure of the database. Its message names no value; the cause may, and is for the log. */
function translated(error: unknown): Error {
  if (error instanceof ServerError) return error;
  const state = stateOf(error);
  if (state !== undefined && isDefect(state)) return error as Error;
  const why = state ?? (error as { code?: unknown }).code ?? "no answer";
  return new ServerError("ERR_CATALOG_UNAVAILABLE", `catalog's database does not answer (${String(why)})`, {
    cause: error,
  });
}

/** Refuses a database that would acknowledge what a power cut takes back, and one that does not write at all. */
async function requireDurable(client: ClientBase): Promise<void> {
  const { rows } = await client.query<Record<string, unknown>>(
    "SELECT set_config('search_path', $1, false), current_setting('fsync') AS fsync, current_setting('full_page_writes')" +
      " AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit, pg_is_in_recovery() AS standby",
    [SCHEMA],
  );
  const { fsync, full_page_writes, synchronous_commit, standby } = rows[0] ?? {};
  if (standby === true) throw new ServerError("ERR_CATALOG_UNAVAILABLE", "catalog's database is a standby");
  const settings = { fsync, full_page_writes, synchronous_commit };
  for (const [name, value] of Object.entries(settings)) {
    if (value === "on" || (name === "synchronous_commit" && value === "remote_apply")) continue;
    throw new ServerError("ERR_CATALOG_NOT_DURABLE", `catalog's database has ${name} = ${String(value)}; turn it on`);
  }
}

function openPool(address: PostgresqlAddress, { connectMs, lockMs, statementMs, answerMs }: Deadlines): Pool {
  const pool = new Pool({
    ...address,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: connectMs,
    lock_timeout: lockMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: answerMs,
    query_timeout: answerMs,
    keepAlive: true,
    application_name: "pericard",
    types: TYPES,
    onConnect: requireDurable,
  });
  // A connection that ends is replaced; whoever waits for its answer hears of it there.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** Opens nothing yet: connections are made when they are needed. */
export function openDatabase(address: PostgresqlAddress, deadlines: Deadlines = DEADLINES): Database {
  const pool = openPool(address, deadlines);
  const names = new Map<string, string>();

  /** The name of a statement's text; each is prepared once. */
  function nameOf(text: string): string {
    const name = names.get(text) ?? `pericard-${names.size}`;
    names.set(text, name);
    return name;
  }

  const askOver =
    (source: Pick<Pool | PoolClient, "query">): Ask =>
    async (text, ...values) => {
      try {
        return (await source.query<SqlRow>({ name: nameOf(text), text, values: [...values] })).rows;
      } catch (error) {
        throw translated(error);
      }
    };

  async function withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch((error: unknown) => {
      throw translated(error);
    });
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      // The end of the connection ends its transaction and its locks, whatever state it is in.
      client.release(true);
      throw error;
    }
  }

  function attempt<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    return withClient(async (client) => {
      const ask = askOver(client);
      await client.query("BEGIN").catch((error: unknown) => {
        throw translated(error);
      });
      const result = await work(ask);
      const { command } = await client.query("COMMIT").catch((error: unknown) => {
        throw translated(error);
      });
      if (command !== "COMMIT") throw new ServerError("ERR_CATALOG_UNAVAILABLE", "catalog's database did not commit");
      return result;
    });
  }

  async function transact<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    for (let left = ATTEMPTS - 1; ; left -= 1) {
      try {
        return await attempt(work);
      } catch (error) {
        const state = stateOf((error as Error).cause);
        if (left === 0 || (state !== "40P01" && state !== "40001")) throw error;
      }
    }
  }

  function exclusively<T>(lock: number, work: () => Promise<T>, onWait: () => void): Promise<T> {
    return withClient(async (client) => {
      const ask = askOver(client);
      for (;;) {
        const [row] = await ask("SELECT pg_try_advisory_lock($1) AS taken", lock);
        if (row?.["taken"] === true) break;
        onWait();
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      const result = await work();
      await ask("SELECT pg_advisory_unlock($1)", lock);
      return result;
    });
  }

  return { ask: askOver(pool), transact, exclusively, close: () => pool.end() };
}
