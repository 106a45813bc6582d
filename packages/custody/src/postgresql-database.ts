/**
 * The key store in PostgreSQL: a schema of its own in a database of its own, that several servers share.
 *
 * Writers come one after the other, as with SQLite: each begins by raising the generation, whose row it holds until its end.
 * So a transaction sees everything that was committed before it, and what it read stays true until it is committed.
 *
 * Source: docs/format.md §12.10; docs/keys.md.
 */
import { CustodyError } from "./errors.ts";
import type { CopyDamage, KeyDatabase, RowReader, RowWriter, SqlValue } from "./key-database.ts";
import { PostgresqlBridge, StatementError } from "./postgresql-bridge.ts";
import { postgresqlSchema, postgresqlStatement } from "./postgresql-dialect.ts";
import type { PostgresqlPlace } from "./postgresql-messages.ts";
import { integerColumn, type Row } from "./rows.ts";

/** The lock of who sets a store up, held until that is finished or its connection is gone. Any number that nobody else uses. */
const SET_UP_LOCK = 0x70657269;
/** Rewriting every table may take minutes. */
const PURGE_MS = 600_000;

const BEGIN = `BEGIN; UPDATE meta SET value = (value::bigint + 1)::text WHERE name = 'generation'`;
const EXISTS =
  "SELECT COUNT(*) AS n FROM pg_catalog.pg_tables WHERE schemaname = 'pericard_keys' AND tablename = 'meta'";

/** The open database. */
export class PostgresqlDatabase implements KeyDatabase {
  readonly #bridge: PostgresqlBridge;
  /** Statements as PostgreSQL writes them. */
  readonly #statements = new Map<string, string>();
  /** Commits of this side: they do not count as others'. */
  #ownCount = 0;

  private constructor(bridge: PostgresqlBridge) {
    this.#bridge = bridge;
  }

  /**
   * Makes the tables. What an interrupted set-up left behind is removed; two that set up at once come one after the other.
   *
   * @param isFinished whether a store that is there is one that somebody may depend on.
   * @throws {CustodyError} ERR_KEYSTORE_EXISTS when it is; ERR_KEYSTORE_UNAVAILABLE.
   */
  static create(
    place: PostgresqlPlace,
    schema: string,
    isFinished: (reader: RowReader) => boolean,
  ): PostgresqlDatabase {
    const database = new PostgresqlDatabase(new PostgresqlBridge(place));
    try {
      database.rows("SELECT pg_advisory_lock(?)", SET_UP_LOCK);
      if (database.#exists && isFinished(database)) {
        throw new CustodyError("ERR_KEYSTORE_EXISTS", "database has a key store");
      }
      database.#transact(
        "BEGIN; DROP SCHEMA IF EXISTS pericard_keys CASCADE; CREATE SCHEMA pericard_keys",
        (writer) => {
          writer.define(schema);
          writer.run("INSERT INTO meta (name, value) VALUES ('generation', '0')");
        },
      );
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** @throws {CustodyError} ERR_KEYSTORE_MISSING when the database has no key store; ERR_KEYSTORE_UNAVAILABLE. */
  static open(place: PostgresqlPlace): PostgresqlDatabase {
    const database = new PostgresqlDatabase(new PostgresqlBridge(place));
    try {
      if (database.#exists) return database;
      throw new CustodyError("ERR_KEYSTORE_MISSING", "database has no key store");
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Whether there is a key store of a finished set-up. @throws {CustodyError} ERR_KEYSTORE_UNAVAILABLE. */
  static has(place: PostgresqlPlace, isFinished: (reader: RowReader) => boolean): boolean {
    const database = new PostgresqlDatabase(new PostgresqlBridge(place));
    try {
      return database.#exists && isFinished(database);
    } finally {
      database.close();
    }
  }

  get #exists(): boolean {
    return integerColumn(this.rows(EXISTS)[0] ?? {}, "n") === 1;
  }

  /** One, as far as this side knows: what standbys the database has is its operator's affair. */
  get copyCount(): number {
    return 1;
  }

  get dataVersion(): number {
    const [row] = this.rows("SELECT value::bigint AS generation FROM meta WHERE name = 'generation'");
    return integerColumn(row ?? {}, "generation") - this.#ownCount;
  }

  rows(sql: string, ...parameters: readonly SqlValue[]): readonly Row[] {
    return this.#guarded(() => this.#call(sql, parameters, false).rows);
  }

  commit<T>(work: (writer: RowWriter) => T): T {
    const result = this.#transact(BEGIN, work);
    this.#ownCount += 1;
    return result;
  }

  /** See {@link KeyDatabase.purge}. Old row versions go with the files that hold them; the write-ahead log ages out. */
  purge(): void {
    const tables = this.rows("SELECT tablename AS name FROM pg_catalog.pg_tables WHERE schemaname = 'pericard_keys'");
    for (const { name } of tables) {
      this.#guarded(() => this.#bridge.call(`VACUUM FULL "${String(name)}"`, [], false, PURGE_MS));
    }
  }

  /** See {@link KeyDatabase.check}: PostgreSQL has a checksum in each page, and copies of its own. */
  check(): undefined {
    return undefined;
  }

  /** See {@link KeyDatabase.takeDamages}: a damaged page is an error of the statement that reads it. */
  takeDamages(): readonly CopyDamage[] {
    return [];
  }

  close(): void {
    this.#bridge.close();
  }

  #transact<T>(begin: string, work: (writer: RowWriter) => T): T {
    return this.#guarded(() => {
      try {
        this.#bridge.call(begin, [], false);
        const result = work(this.#writer);
        this.#bridge.call("COMMIT", [], true);
        return result;
      } catch (error) {
        this.#rollback();
        throw error;
      }
    });
  }

  get #writer(): RowWriter {
    return {
      rows: (sql, ...parameters) => this.#call(sql, parameters, true).rows,
      run: (sql, ...parameters) => this.#call(sql, parameters, true).rowCount,
      define: (sql) => void this.#bridge.call(postgresqlSchema(sql), [], true),
    };
  }

  #rollback(): void {
    try {
      this.#bridge.call("ROLLBACK", [], true);
    } catch {
      // The connection is gone, and the transaction with it; the error that led here is the one to report.
      this.#bridge.close();
    }
  }

  #call(sql: string, parameters: readonly SqlValue[], continues: boolean) {
    const known = this.#statements.get(sql) ?? postgresqlStatement(sql);
    this.#statements.set(sql, known);
    return this.#bridge.call(known, parameters, continues);
  }

  /** What the database says of a statement becomes an error of ours: its own may tell contents. */
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof CustodyError) throw cause;
      if (!(cause instanceof StatementError)) {
        throw new CustodyError("ERR_KEYSTORE_COPY", "key store could not be written", { cause });
      }
      throw PASSING.test(cause.code)
        ? new CustodyError("ERR_KEYSTORE_UNAVAILABLE", `key store's database is busy: ${cause.code}`, { cause })
        : new CustodyError("ERR_KEYSTORE_COPY", `key store's database refuses: ${cause.code}`, { cause });
    }
  }
}

/** States that pass by themselves: a lock or a statement took too long, two stood in each other's way. */
const PASSING = /^(40|55P03|57014|25P03)/;
