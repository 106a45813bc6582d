/**
 * Who uses a catalog: any number of servers that share their key store, or a single one with a key store of its own. Two servers
 * with key stores of their own would seal under keys that the other never learns.
 *
 * A lock of a session says so, for as long as the session lives; the database finds out within seconds when a machine is lost.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { ServerError } from "../../errors.ts";
import type { PostgresqlAddress } from "./address.ts";

/** "peri" and a number, as in schema.ts. */
const PRESENCE_LOCK = 0x70657269_03;
/** A machine that is lost is noticed after 5 + 3 * 2 seconds; a start waits a little longer. */
const KEEPALIVE = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3";
const WAIT_MS = 13_000;
const RETRY_MS = 500;

/** Whose the key store is. */
export type KeyStoreOwner = "all servers" | "this server";

const ASK: Readonly<Record<KeyStoreOwner, string>> = {
  "all servers": "SELECT pg_try_advisory_lock_shared($1) AS taken",
  "this server": "SELECT pg_try_advisory_lock($1) AS taken",
};

/** A session with the lock; undefined while another server holds it otherwise. */
async function take(address: PostgresqlAddress, owner: KeyStoreOwner): Promise<Client | undefined> {
  const client = new Client({
    ...address,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    application_name: "pericard",
  });
  // The end of the connection is told by its "end".
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(KEEPALIVE);
    const { rows } = await client.query<{ readonly taken: boolean }>(ASK[owner], [PRESENCE_LOCK]);
    if (rows[0]?.taken === true) return client;
  } catch (cause) {
    await client.end().catch(() => undefined);
    throw new ServerError("ERR_CATALOG_UNAVAILABLE", "catalog's database does not answer", { cause });
  }
  await client.end().catch(() => undefined);
  return undefined;
}

/**
 * Takes part, until the returned function is called; also after the database was away.
 *
 * @param onRefused is told when another server came in between meanwhile: one of the two has to be stopped.
 * @throws {ServerError} ERR_SERVER_CONFIG when key stores would differ; ERR_CATALOG_UNAVAILABLE.
 */
export async function takePart(
  address: PostgresqlAddress,
  owner: KeyStoreOwner,
  onRefused: (error: ServerError) => void,
): Promise<() => Promise<void>> {
  const stop = new AbortController();
  let held: Client | undefined;

  async function hold(waitMs: number): Promise<void> {
    for (let leftMs = waitMs; !stop.signal.aborted; leftMs -= RETRY_MS) {
      const client = await take(address, owner);
      if (client) {
        held = client;
        client.once("end", () => void holdAgain());
        return;
      }
      if (leftMs <= 0) throw refusal();
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }

  async function holdAgain(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await hold(WAIT_MS);
        return;
      } catch (error) {
        if (error instanceof ServerError && error.code === "ERR_SERVER_CONFIG") onRefused(error);
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  await hold(WAIT_MS);
  return async () => {
    stop.abort();
    await held?.end().catch(() => undefined);
  };
}

function refusal(): ServerError {
  const message = "another server uses this catalog, and not all of them share their key store";
  return new ServerError(
    "ERR_SERVER_CONFIG",
    `${message}: put it into PostgreSQL for all (keyStore), or stop the other`,
  );
}
