/** The contract of the key store's database, held by a real PostgreSQL, and what happens when that goes away. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { PostgresqlBridge } from "../src/postgresql-bridge.ts";
import { PostgresqlDatabase } from "../src/postgresql-database.ts";
import { keyDatabaseContract, SCHEMA } from "./contract/key-database.ts";
import { temporaryFolder } from "./support/folders.ts";
import { administer, describeWithPostgresql, newDatabase, placeOf } from "./support/postgresql.ts";

const unavailable = expect.objectContaining({ code: "ERR_KEYSTORE_UNAVAILABLE", retryable: true });
const hasThings = (): boolean => true;
const unfinished = (): boolean => false;
const insert = "INSERT INTO things (id) VALUES (?)";

const wrongPassword = (): string => {
  const path = join(temporaryFolder(), "password");
  writeFileSync(path, "wrong");
  return path;
};

describeWithPostgresql("a database in postgresql", (service) => {
  keyDatabaseContract(() => {
    const place = placeOf(service, newDatabase(service));
    return {
      create: (schema) => PostgresqlDatabase.create(place, schema, unfinished),
      open: () => PostgresqlDatabase.open(place),
    };
  });

  const newPlace = () => placeOf(service, newDatabase(service));

  test("that has no key store is not opened, and one that is finished is not created over", () => {
    const place = newPlace();
    expect(() => PostgresqlDatabase.open(place)).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_MISSING" }));
    expect(PostgresqlDatabase.has(place, hasThings)).toBe(false);
    PostgresqlDatabase.create(place, SCHEMA, unfinished).close();
    expect(PostgresqlDatabase.has(place, hasThings)).toBe(true);
    expect(() => PostgresqlDatabase.create(place, SCHEMA, hasThings)).toThrow(
      expect.objectContaining({ code: "ERR_KEYSTORE_EXISTS" }),
    );
    // What an interrupted set-up left is made anew.
    PostgresqlDatabase.create(place, SCHEMA, unfinished).close();
  });

  test.each([
    ["with another password", (place: ReturnType<typeof newPlace>) => ({ ...place, passwordFile: wrongPassword() })],
    ["with no password file", (place: ReturnType<typeof newPlace>) => ({ ...place, passwordFile: "/nowhere" })],
    ["that is not there", () => placeOf(service, "nowhere")],
    ["on a port where nobody listens", () => placeOf(service, "nowhere", { port: 1 })],
  ])("%s says that it is not available", (_, change) => {
    expect(() => PostgresqlDatabase.open(change(newPlace()))).toThrow(unavailable);
  });

  test("whose connection is ended is reached again at the next call; what was not committed is not there", () => {
    const name = newDatabase(service);
    const database = PostgresqlDatabase.create(placeOf(service, name), SCHEMA, unfinished);
    const end = (): void =>
      administer(service, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    database.commit((writer) => writer.run(insert, 1));
    end();
    expect(database.rows("SELECT id FROM things")).toEqual([{ id: 1 }]);
    const cutOff = (): void => {
      database.commit((writer) => {
        writer.run(insert, 2);
        end();
        writer.run(insert, 3);
      });
    };
    expect(cutOff).toThrow(unavailable);
    expect(database.rows("SELECT id FROM things")).toEqual([{ id: 1 }]);
    database.commit((writer) => writer.run(insert, 4));
    expect(database.rows("SELECT id FROM things ORDER BY id")).toEqual([{ id: 1 }, { id: 4 }]);
    database.close();
  });

  test("that stops answering is given up in time, and is reached again when it answers", async () => {
    const tap = await Tap.open(service.port);
    const name = newDatabase(service);
    PostgresqlDatabase.create(placeOf(service, name), SCHEMA, unfinished).close();
    const bridge = new PostgresqlBridge(placeOf(service, name, tap));
    expect(bridge.call("SELECT 1 AS one", [], false).rows).toEqual([{ one: 1 }]);
    tap.pause();
    const begun = performance.now();
    expect(() => bridge.call("SELECT 2", [], false, 1500)).toThrow(unavailable);
    expect(performance.now() - begun).toBeLessThan(5000);
    tap.resume();
    expect(bridge.call("SELECT 3 AS three", [], false).rows).toEqual([{ three: 3 }]);
    bridge.close();
    tap.close();
  });

  test("leaves nothing of a transaction that nobody continues: a later call of it is refused", () => {
    const bridge = new PostgresqlBridge(newPlace());
    expect(() => bridge.call("SELECT 1", [], true)).toThrow(unavailable);
    bridge.close();
  });

  test("two writers wait for each other and lose nothing", async () => {
    const place = newPlace();
    const database = PostgresqlDatabase.create(place, SCHEMA, unfinished);
    database.commit((writer) => writer.run("INSERT INTO things (id, name) VALUES (1, '0')"));
    const each = 40;
    const workers = [1, 2, 3].map(
      () => new Worker(new URL("./support/raise-worker.ts", import.meta.url), { workerData: { place, count: each } }),
    );
    const codes = await Promise.all(workers.map(async (worker) => (await once(worker, "exit"))[0] as number));
    expect(codes).toEqual([0, 0, 0]);
    expect(database.rows("SELECT name FROM things")).toEqual([{ name: String(3 * each) }]);
    database.close();
  });

  test("keeps no old version of a row in its files after a purge", () => {
    const database = PostgresqlDatabase.create(newPlace(), SCHEMA, unfinished);
    const secret = Buffer.from("what must be forgotten".repeat(3));
    database.commit((writer) => writer.run("INSERT INTO things VALUES (1, NULL, ?)", secret));
    database.commit((writer) => writer.run("UPDATE things SET body = ?", new Uint8Array(0)));
    const isThere = (): boolean => {
      database.rows("SELECT pg_catalog.pg_stat_reset()");
      const sql = "SELECT pg_catalog.pg_relation_filepath('pericard_keys.things') AS path";
      const path = String(database.rows(sql)[0]?.["path"]);
      const [row] = database.rows("SELECT pg_catalog.pg_read_binary_file(?) AS bytes", path);
      return Buffer.from(row?.["bytes"] as Uint8Array).includes(secret);
    };
    administer(service, "CHECKPOINT");
    expect(isThere()).toBe(true);
    database.purge();
    administer(service, "CHECKPOINT");
    expect(isThere()).toBe(false);
    database.close();
  });
});

/** A way to the database that may be held up, as a network that swallows everything. It runs in a thread of its own: callers sleep. */
class Tap {
  readonly port: number;
  readonly #worker: Worker;

  private constructor(worker: Worker, port: number) {
    this.#worker = worker;
    this.port = port;
  }

  static async open(port: number): Promise<Tap> {
    const worker = new Worker(new URL("./support/tap-worker.ts", import.meta.url), { workerData: { port } });
    const [own] = (await once(worker, "message")) as [number];
    return new Tap(worker, own);
  }

  pause(): void {
    this.#worker.postMessage("pause");
  }

  resume(): void {
    this.#worker.postMessage("resume");
  }

  close(): void {
    void this.#worker.terminate();
  }
}
