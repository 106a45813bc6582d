/**
 * An embedded catalog as a migration reads it, beside the server that uses it: rows as they are, a few at a time.
 *
 * Source: docs/operating/migrate.md.
 */
import { systemRandom } from "@pericard/crypto";
import { toHex } from "@pericard/protocol";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Copy } from "../../volumes/volume.ts";
import { copyRow, type SqlRow } from "../rows.ts";
import { CATALOG_FILE } from "./schema.ts";
import { sqlContext, type SqlContext } from "./sql-context.ts";

/** Something that lies in packs, with its row and its places. */
export interface SourcePackage {
  readonly key: number;
  /** Key of the recording; 0 for a signed statement. */
  readonly recording: number;
  readonly row: SqlRow;
  readonly copies: readonly Copy[];
}

/** Rows of the next packages, and of erasures that have to be followed before. */
export interface SourceStep {
  readonly erased: readonly SqlRow[];
  readonly packages: readonly SourcePackage[];
}

/** Rows read at once where a table is read from end to end. */
const BATCH_ROWS = 2000;

/** The catalog's file, opened beside its owner. Calls wait for the disk: each is short. */
export class SourceCatalog {
  readonly #database: DatabaseSync;
  readonly #sql: SqlContext["sql"];
  /** Names this file. A catalog that was made anew has another, and its keys mean other things. */
  readonly id: string;

  /** Opens the catalog of a folder. */
  constructor(folderPath: string) {
    this.#database = new DatabaseSync(join(folderPath, CATALOG_FILE), { timeout: 10_000 });
    const { sql, transact } = sqlContext(this.#database);
    this.#sql = sql;
    this.id = transact(() => {
      sql("INSERT OR IGNORE INTO migration VALUES (1, ?)").run(toHex(systemRandom(16)));
      return String(sql("SELECT id FROM migration").get()?.["id"]);
    });
  }

  /** What follows in one view of the catalog: erasures above a number, or where there are none, packages above a key. */
  next(erasedNumber: number, packageKey: number, limit: number): SourceStep {
    this.#database.exec("BEGIN");
    try {
      const erased = this.#sql("SELECT * FROM erased WHERE number > ? ORDER BY number LIMIT ?").all(
        erasedNumber,
        limit,
      );
      return { erased, packages: erased.length > 0 ? [] : this.#packagesAfter(packageKey, limit) };
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  /** Packages from one key to another that are there still, by key. */
  packagesAmong(keys: readonly number[]): ReadonlyMap<number, SourcePackage> {
    const find = this.#sql("SELECT * FROM packages WHERE key = ?");
    const rows = keys.map((key) => find.get(key)).filter((row) => row !== undefined);
    return new Map(rows.map((row) => [Number(row["key"]), this.#packageOf(row)]));
  }

  /** Rows of a package's segments, of those sequences that are read from it. */
  segmentsOf({ key, recording }: SourcePackage, stream: number, sequences: readonly number[]): readonly SqlRow[] {
    const find = this.#sql(
      "SELECT * FROM segments WHERE recording = ? AND stream = ? AND sequence = ? AND package = ?",
    );
    return sequences.map((sequence) => find.get(recording, stream, sequence, key)).filter((row) => row !== undefined);
  }

  /** Rows of summaries, as far as they are made. */
  summariesOf({ recording }: SourcePackage, stream: number, sequences: readonly number[]): readonly SqlRow[] {
    const find = this.#sql("SELECT * FROM summaries WHERE recording = ? AND stream = ? AND sequence = ?");
    return sequences.map((sequence) => find.get(recording, stream, sequence)).filter((row) => row !== undefined);
  }

  /** Entries of the audit trail after a number. */
  auditAfter(number: number, limit: number): readonly SqlRow[] {
    return this.#sql("SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT ?").all(number, limit);
  }

  /** Names of the tables. */
  tables(): readonly string[] {
    return this.#sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
      .all()
      .map((row) => String(row["name"]));
  }

  /** Every row of a table, a batch at a time. Nobody else writes meanwhile. */
  *rowsOf(table: string): Generator<readonly SqlRow[]> {
    let batch: SqlRow[] = [];
    for (const row of this.#database.prepare(`SELECT * FROM ${table}`).iterate()) {
      batch.push(row);
      if (batch.length < BATCH_ROWS) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  /** The one row of a query. */
  ask(text: string): SqlRow {
    return this.#sql(text).get() ?? {};
  }

  close(): void {
    this.#database.close();
  }

  #packagesAfter(key: number, limit: number): readonly SourcePackage[] {
    return this.#sql("SELECT * FROM packages WHERE key > ? ORDER BY key LIMIT ?")
      .all(key, limit)
      .map((row) => this.#packageOf(row));
  }

  #packageOf(row: SqlRow): SourcePackage {
    const key = Number(row["key"]);
    const copies = this.#sql("SELECT * FROM copies WHERE package = ? ORDER BY volume").all(key);
    return { key, recording: Number(row["recording"]), row, copies: copies.map(copyRow) };
  }
}
