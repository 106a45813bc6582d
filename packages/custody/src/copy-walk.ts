/** The walk through every row of every copy, a few at a time: rows that differ are found by being read. */
import type { CheckPosition, RowReader, SqlValue } from "./key-database.ts";

/** Rows of one step. */
const ROWS_MAX = 500;

/** Reads the next rows, in order of tables and keys. @returns how far that came; undefined at the end. */
export function nextRows(reader: RowReader, from: CheckPosition | undefined): CheckPosition | undefined {
  const table = from?.table ?? tableAfter(reader, "");
  if (table === undefined) return undefined;
  const keys = keysOf(reader, table);
  const after = from?.after ?? [];
  const names = keys.map((key) => `"${key}"`).join(", ");
  const where = after.length > 0 ? `WHERE (${names}) > (${keys.map(() => "?").join(", ")})` : "";
  const rows = reader.rows(`SELECT * FROM "${table}" ${where} ORDER BY ${names} LIMIT ${ROWS_MAX}`, ...after);
  const last = rows.length === ROWS_MAX ? rows.at(-1) : undefined;
  if (last) return { table, after: keys.map((key) => (last[key] ?? null) as SqlValue) };
  const next = tableAfter(reader, table);
  return next === undefined ? undefined : { table: next, after: [] };
}

function tableAfter(reader: RowReader, table: string): string | undefined {
  const sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name > ? ORDER BY name LIMIT 1";
  const name = reader.rows(sql, table)[0]?.["name"];
  return name === undefined ? undefined : String(name);
}

/** Columns of the primary key; every column of a table that has none. */
function keysOf(reader: RowReader, table: string): readonly string[] {
  const columns = reader.rows("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", table);
  const keys = columns.filter(({ pk }) => Number(pk) > 0);
  return (keys.length > 0 ? keys : columns).map(({ name }) => String(name));
}
