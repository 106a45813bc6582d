/**
 * Moves a key store from copies in folders to a database: rows as they are, what is sealed stays sealed under the same
 * key-encryption key, which is not needed for it.
 *
 * Source: docs/operating/migrate.md; docs/format.md §12.
 */
import { sha256 } from "@pericard/crypto";
import { encodeCbor, type CborValue } from "@pericard/protocol";
import { CustodyError } from "./errors.ts";
import { firstRow, type RowReader, type RowWriter, type SqlValue } from "./key-database.ts";
import { spreadKekFile } from "./kek-file.ts";
import { hasTenant, type SharedKeyStore } from "./key-store-place.ts";
import { PostgresqlDatabase } from "./postgresql-database.ts";
import { integerColumn, textColumn, type Row } from "./rows.ts";
import { KEY_STORE_FILE, KEY_STORE_SCHEMA, KEY_STORE_VERSION } from "./schema.ts";
import { SqliteCopies } from "./sqlite-copies.ts";

/** Rows of a table that were moved, and found again as they were. */
export interface MovedTable {
  readonly name: string;
  readonly rows: number;
}

/** Rows of `meta` that say of a database what is so of that one alone. */
const OWN_NAMES: ReadonlySet<string> = new Set(["version", "generation"]);
/** Name of the row of `meta` that says which move a key store came by. */
const MOVE_NAME = "moved_by";
/** Rows read at once, and parameters of one statement: PostgreSQL takes 65,535. */
const BATCH_ROWS = 500;
const PARAMETERS_MAX = 10_000;

/**
 * Copies every row and compares what was written. Nobody changes the key store that is left while this runs.
 *
 * @param move names this move: what an earlier run of the same one left in the database is made anew.
 * @param leave runs once everything is durable in the new place, before anybody may change the old one again: what makes the new
 * place the one that counts belongs here.
 * @throws {CustodyError} ERR_KEYSTORE_EXISTS when the database has a key store that another move, or none, made;
 * ERR_KEYSTORE_FORMAT for a store of an older version; ERR_KEYSTORE_COPY when rows are not found again as they were;
 * ERR_KEYSTORE_MISSING, ERR_KEYSTORE_UNAVAILABLE.
 */
export function moveKeyStore(
  folderPaths: readonly string[],
  to: SharedKeyStore,
  move: string,
  leave: () => void,
): readonly MovedTable[] {
  const source = SqliteCopies.open(folderPaths, KEY_STORE_FILE);
  try {
    let moved: readonly MovedTable[] | undefined;
    // A commit that changes nothing keeps other writers out. It asks once for each copy.
    return source.commit((locked) => {
      if (moved) return moved;
      requireCurrent(locked);
      spreadKekFile([...folderPaths, to.kekFolderPath]);
      moved = copyInto(to, locked, move);
      leave();
      return moved;
    });
  } finally {
    source.close();
  }
}

function requireCurrent(reader: RowReader): void {
  const version = Number(firstRow(reader, "SELECT value FROM meta WHERE name = 'version'")?.["value"]);
  if (version === KEY_STORE_VERSION) return;
  throw new CustodyError("ERR_KEYSTORE_FORMAT", `key store is of version ${version}, not ${KEY_STORE_VERSION}`);
}

function copyInto(to: SharedKeyStore, source: RowReader, move: string): readonly MovedTable[] {
  const isAnothers = (reader: RowReader): boolean =>
    hasTenant(reader) && firstRow(reader, "SELECT value FROM meta WHERE name = ?", MOVE_NAME)?.["value"] !== move;
  const target = PostgresqlDatabase.create(to, KEY_STORE_SCHEMA, isAnothers);
  try {
    return target.commit((writer) => {
      writer.run("INSERT INTO meta (name, value) VALUES (?, ?)", MOVE_NAME, move);
      const moved = tablesOf(source).map((name) => copyTable(source, writer, name));
      raiseSequences(writer);
      return moved;
    });
  } finally {
    target.close();
  }
}

/** In the order in which they were made: what is referred to comes first. What a copy knows of itself stays (§12.11). */
function tablesOf(source: RowReader): readonly string[] {
  const rows = source.rows(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'copy_%'",
  );
  return rows.map((row) => textColumn(row, "name"));
}

const isOwn = (table: string, { name }: Row): boolean =>
  table === "meta" && (OWN_NAMES.has(String(name)) || name === MOVE_NAME);

const withoutPlace = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([column]) => column !== "place_of_row"));

function copyTable(source: RowReader, writer: RowWriter, name: string): MovedTable {
  const digest = new RowsDigest();
  let last = 0;
  for (;;) {
    const found = source.rows(
      `SELECT rowid AS place_of_row, * FROM ${name} WHERE rowid > ? ORDER BY rowid LIMIT ${BATCH_ROWS}`,
      last,
    );
    const end = found.at(-1);
    if (!end) break;
    last = integerColumn(end, "place_of_row");
    const rows = found.map(withoutPlace).filter((row) => !isOwn(name, row));
    digest.add(rows);
    insertRows(writer, name, rows);
  }
  const written = digestOf(writer, name);
  if (written.text !== digest.text) {
    throw new CustodyError("ERR_KEYSTORE_COPY", `rows of ${name} are not found again as they were`);
  }
  return { name, rows: digest.count };
}

function insertRows(writer: RowWriter, table: string, rows: readonly Row[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const rowsMax = Math.max(1, Math.floor(PARAMETERS_MAX / Math.max(1, columns.length)));
  for (let at = 0; at < rows.length; at += rowsMax) {
    const part = rows.slice(at, at + rowsMax);
    const places = part.map(() => `(${columns.map(() => "?").join(", ")})`).join(", ");
    const values = part.flatMap((row) => columns.map((column) => row[column] as SqlValue));
    writer.run(`INSERT INTO ${table} (${columns.join(", ")}) VALUES ${places}`, ...values);
  }
}

function digestOf(writer: RowWriter, table: string): RowsDigest {
  const digest = new RowsDigest();
  const cursor = `rows_of_${table}`;
  writer.run(`DECLARE ${cursor} CURSOR FOR SELECT * FROM ${table}`);
  for (;;) {
    const rows = writer.rows(`FETCH ${BATCH_ROWS} FROM ${cursor}`);
    if (rows.length === 0) break;
    digest.add(rows.filter((row) => !isOwn(table, row)));
  }
  writer.run(`CLOSE ${cursor}`);
  return digest;
}

/** Tells sets of rows apart, whatever their order: the sum of the rows' hashes, byte by byte, and their number. */
class RowsDigest {
  readonly #sum = new Uint8Array(32);
  count = 0;

  add(rows: readonly Row[]): void {
    for (const row of rows) {
      const named = Object.keys(row)
        .toSorted()
        .map((name) => [name, row[name]]);
      for (const [i, byte] of sha256(encodeCbor(named as CborValue)).entries()) {
        this.#sum[i] = (this.#sum[i] ?? 0) + byte;
      }
      this.count += 1;
    }
  }

  get text(): string {
    return `${this.count} ${this.#sum.join(" ")}`;
  }
}

/** Numbers that the database draws go on above those that were moved. */
function raiseSequences(writer: RowWriter): void {
  const drawn = writer.rows(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'pericard_keys' AND is_identity = 'YES'",
  );
  for (const row of drawn) {
    const [table, column] = [textColumn(row, "table_name"), textColumn(row, "column_name")];
    writer.rows(
      `SELECT setval(pg_get_serial_sequence('${table}', '${column}'), COALESCE(MAX(${column}), 0) + 1, false) FROM ${table}`,
    );
  }
}
