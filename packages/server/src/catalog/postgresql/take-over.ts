/**
 * A catalog in PostgreSQL that takes over what an embedded one has. Until that is whole, no server uses it; a note in it says
 * whose it is.
 *
 * Source: docs/operating/migrate.md.
 */
import { ServerError } from "../../errors.ts";
import type { Copy } from "../../volumes/volume.ts";
import { copyRow, type SqlRow } from "../rows.ts";
import { parsePostgresql, type PostgresqlConfig } from "./address.ts";
import { columnsOf, unnest } from "./columns.ts";
import { openDatabase, SCHEMA, type Ask, type Database } from "./database.ts";
import { isWhole, prepareTables } from "./schema.ts";

/** Note of whose catalog is taken over, and how far it was compared. A server that starts on the catalog removes it. */
export const TAKE_OVER_NOTE = "migration";

/** Rows of packages and of what is read from them. */
export interface TakenRows {
  readonly packages: readonly SqlRow[];
  readonly copies: readonly { readonly package: number; readonly copy: Copy }[];
  readonly segments: readonly SqlRow[];
  readonly summaries: readonly SqlRow[];
}

/** A package that was taken over. */
export interface TakenPackage {
  readonly key: number;
  readonly copies: readonly Copy[];
}

interface Column {
  readonly name: string;
  readonly type: string;
}

/** Whole tables are read and written in one statement. */
const DEADLINES = { connectMs: 5000, lockMs: 8000, statementMs: 120_000, answerMs: 130_000 };
/** Tables whose rows follow packages and the audit trail; the others are small, and taken over as a whole at the end. */
const FOLLOWED: ReadonlySet<string> = new Set(["packages", "copies", "segments", "summaries", "audit"]);
/** Tables that belong to one adapter. */
const OWN: ReadonlySet<string> = new Set(["catalog", "rebuilt", "placements", "migration"]);

export class TakeOver {
  readonly #database: Database;
  readonly #source: string;
  readonly #columns: ReadonlyMap<string, readonly Column[]>;

  private constructor(database: Database, source: string, columns: ReadonlyMap<string, readonly Column[]>) {
    this.#database = database;
    this.#source = source;
    this.#columns = columns;
  }

  /**
   * Begins, or goes on with what was begun for the same source.
   *
   * @throws {ServerError} ERR_MIGRATION_TARGET when the database has a catalog that is somebody's; as opening a catalog.
   */
  static async begin(config: PostgresqlConfig, source: string): Promise<TakeOver> {
    const database = openDatabase(parsePostgresql(config), DEADLINES);
    try {
      await prepareTables(database);
      const rows = await database.ask(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = $1" +
          " ORDER BY table_name, ordinal_position",
        SCHEMA,
      );
      const columns = Map.groupBy(
        rows.map((row) => ({
          table: String(row["table_name"]),
          name: String(row["column_name"]),
          type: String(row["data_type"]),
        })),
        ({ table }) => table,
      );
      const takeOver = new TakeOver(database, source, columns);
      await takeOver.#beginUnlessBegun();
      await takeOver.#transact((ask) => ask("UPDATE catalog SET whole = false"));
      return takeOver;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** Highest number of an erasure that was followed, and highest key of a package. */
  async reached(): Promise<{ readonly erased: number; readonly key: number; readonly audit: number }> {
    const [row] = await this.#database.ask(
      "SELECT (SELECT COALESCE(MAX(number), 0) FROM erased) AS erased, (SELECT COALESCE(MAX(key), 0) FROM packages) AS key," +
        " (SELECT COALESCE(MAX(number), 0) FROM audit) AS audit",
    );
    return { erased: Number(row?.["erased"]), key: Number(row?.["key"]), audit: Number(row?.["audit"]) };
  }

  /** Follows erasures: rows of a source's table of them. */
  async erase(erased: readonly SqlRow[]): Promise<void> {
    const keys = erased.flatMap((row) => (row["key"] === null ? [] : [Number(row["key"])]));
    await this.#transact(async (ask) => {
      await ask(
        "DELETE FROM copies c USING packages p WHERE p.recording = ANY ($1::bigint[]) AND c.package = p.key",
        keys,
      );
      for (const table of ["packages", "segments", "summaries"]) {
        await ask(`DELETE FROM ${table} WHERE recording = ANY ($1::bigint[])`, keys);
      }
      const numbers = erased.map((row) => String(row["recording"]));
      await ask("DELETE FROM erased WHERE recording = ANY ($1::text[])", numbers);
      await this.#insert(ask, "erased", erased);
    });
  }

  /** Takes packages over, with everything that is read from them, all or none. */
  async take({ packages, copies, segments, summaries }: TakenRows): Promise<void> {
    const places = copies.map(({ package: key, copy }) => ({
      volume: copy.volumeId,
      file: copy.fileNumber,
      offset: copy.offsetBytes,
      size: copy.sizeBytes,
      package: key,
    }));
    await this.#transact(async (ask) => {
      await this.#insert(ask, "packages", packages);
      await this.#insert(ask, "copies", places);
      await this.#insert(ask, "segments", segments);
      await this.#insert(ask, "summaries", summaries);
    });
  }

  /** Takes entries of the audit trail over. */
  async takeAudit(rows: readonly SqlRow[]): Promise<void> {
    await this.#transact((ask) => this.#insert(ask, "audit", rows));
  }

  /** Packages above a key, with their places, in order. */
  async takenAfter(key: number, limit: number): Promise<readonly TakenPackage[]> {
    const rows = await this.#database.ask(
      'SELECT p.key, c.volume, c.file, c."offset", c.size FROM (SELECT key FROM packages WHERE key > $1 ORDER BY key LIMIT $2) p' +
        " LEFT JOIN copies c ON c.package = p.key ORDER BY p.key",
      key,
      limit,
    );
    const groups = Map.groupBy(rows, (row) => Number(row["key"]));
    return [...groups].map(([one, places]) => ({
      key: one,
      copies: places.filter((row) => row["volume"] !== null).map(copyRow),
    }));
  }

  /** Highest key of a package whose copies were compared; 0 before the first. */
  async comparedKey(): Promise<number> {
    const [row] = await this.#database.ask("SELECT json FROM notes WHERE name = $1", COMPARED_NOTE);
    return row ? Number(row["json"]) : 0;
  }

  async keepComparedKey(key: number): Promise<void> {
    await this.#transact((ask) =>
      ask(
        "INSERT INTO notes VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET json = excluded.json",
        COMPARED_NOTE,
        String(key),
      ),
    );
  }

  /**
   * Takes every other table over as it is now, and makes the catalog whole: all or none.
   *
   * @param source names of all tables of the source, and the rows of one.
   * @param isKept whether a note of that name goes along.
   */
  async finish(
    source: {
      readonly tables: () => readonly string[];
      readonly rowsOf: (table: string) => Iterable<readonly SqlRow[]>;
    },
    isKept: (note: string) => boolean,
  ): Promise<void> {
    const tables = source.tables().filter((table) => !FOLLOWED.has(table) && !OWN.has(table));
    const unknown = tables.filter((table) => !this.#columns.has(table));
    if (unknown.length > 0) throw new TypeError(`catalog in PostgreSQL has no table ${unknown.join(", ")}`);
    await this.#transact(async (ask) => {
      for (const table of tables) {
        if (table === "notes") await ask("DELETE FROM notes WHERE name <> ALL ($1::text[])", OWN_NOTES);
        else await ask(`DELETE FROM ${table}`);
        for (const rows of source.rowsOf(table)) {
          await this.#insert(ask, table, table === "notes" ? rows.filter((row) => isKept(String(row["name"]))) : rows);
        }
      }
      // A summary that was made since its package was copied is made again.
      await ask(
        "UPDATE streams s SET unsummarised = true WHERE kind = 1 AND NOT unsummarised AND segment_count <>" +
          " (SELECT COUNT(*) FROM summaries q WHERE q.recording = s.recording AND q.stream = s.stream)",
      );
      for (const table of ["recordings", "packages"]) {
        await ask(
          `SELECT setval(pg_get_serial_sequence('${table}', 'key'), (SELECT COALESCE(MAX(key), 0) + 1 FROM ${table}), false)`,
        );
      }
      await ask("UPDATE catalog SET whole = true");
    });
    for (const table of ["recordings", "streams", "packages", "copies", "segments", "summaries"]) {
      await this.#database.ask(`ANALYZE ${table}`);
    }
  }

  /** The one row of a query. */
  async ask(text: string, ...values: readonly unknown[]): Promise<SqlRow> {
    return (await this.#database.ask(text, ...values))[0] ?? {};
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Only what is empty, or was begun for a source that is not there any more, is begun anew. */
  async #beginUnlessBegun(): Promise<void> {
    const isUsed = await isWhole(this.#database);
    await this.#database.transact(async (ask) => {
      const known = await sourceOf(ask);
      if (known === this.#source) return;
      const [row] = await ask("SELECT EXISTS (SELECT 1 FROM recordings) OR EXISTS (SELECT 1 FROM audit) AS used");
      if (known === undefined && (isUsed || row?.["used"] === true)) throw taken();
      const tables = [...this.#columns.keys()].filter((table) => table !== "catalog");
      await ask(`TRUNCATE ${tables.join(", ")}`);
      await ask("INSERT INTO notes VALUES ($1, $2)", TAKE_OVER_NOTE, JSON.stringify({ source: this.#source }));
    });
  }

  /** Nothing is written when the catalog has become somebody else's. */
  #transact<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#database.transact(async (ask) => {
      await ask("SELECT json FROM notes WHERE name = $1 FOR SHARE", TAKE_OVER_NOTE);
      if ((await sourceOf(ask)) !== this.#source) throw taken();
      return work(ask);
    });
  }

  async #insert(ask: Ask, table: string, rows: readonly SqlRow[]): Promise<void> {
    if (rows.length === 0) return;
    const columns = this.#columns.get(table) ?? [];
    const names = columns.map(({ name }) => `"${name}"`).join(", ");
    const values = rows.map((row) => columns.map(({ name, type }) => valueOf(row[name], type)));
    const types = columns.map(({ type }) => type);
    await ask(
      `INSERT INTO ${table} (${names}) OVERRIDING SYSTEM VALUE SELECT * FROM ${unnest(types)}`,
      ...columnsOf(values, columns.length),
    );
  }
}

const COMPARED_NOTE = "migration compared";
const OWN_NOTES = [TAKE_OVER_NOTE, COMPARED_NOTE];

function valueOf(value: unknown, type: string): unknown {
  return type === "boolean" && value !== null ? Boolean(value) : (value ?? null);
}

function taken(): ServerError {
  const message = "database has a catalog of another origin: name an empty database";
  return new ServerError("ERR_MIGRATION_TARGET", message);
}

/** Whose catalog is taken over; undefined where none is. */
async function sourceOf(ask: Ask): Promise<string | undefined> {
  const [row] = await ask("SELECT json FROM notes WHERE name = $1", TAKE_OVER_NOTE);
  return row ? (JSON.parse(String(row["json"])) as { source: string }).source : undefined;
}

/** Says that servers use the catalog from now on: no migration may change it any more. */
export async function endTakeOver({ ask }: Pick<Database, "ask">): Promise<void> {
  await ask("DELETE FROM notes WHERE name = ANY ($1::text[])", OWN_NOTES);
}
