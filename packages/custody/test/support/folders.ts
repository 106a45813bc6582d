/** Temporary folders for copies, and a look into them. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { afterEach } from "vitest";

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "pericard-custody-"));
  made.push(path);
  return path;
}

/** Paths of folders that are not there yet, in one that is. */
export function copyFolders(count: number): readonly string[] {
  const root = temporaryFolder();
  return Array.from({ length: count }, (_, i) => join(root, `copy-${i + 1}`));
}

/** Puts a folder as it is now, open files and all, in place of another: what a crash would leave. */
export function imageOf(folder: string, target: string): void {
  rmSync(target, { recursive: true, force: true });
  cpSync(folder, target, { recursive: true });
}

/** Every row of every table of a database, as text. */
export function contentsOf(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  const rows = tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${String(name)}" ORDER BY 1`).all()]);
  database.close();
  return JSON.stringify(rows, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
  );
}

/** Changes every copy behind the key store's back. */
export function changeByHand(
  folders: readonly string[],
  fileName: string,
  sql: string,
  ...values: SQLInputValue[]
): void {
  for (const folder of folders) {
    const database = new DatabaseSync(join(folder, fileName));
    database.prepare(sql).run(...values);
    database.close();
  }
}

/** All bytes of all files of a folder. */
export function bytesIn(folder: string): Buffer {
  return Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
}
