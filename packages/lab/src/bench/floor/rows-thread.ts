/** The rows: one INSERT for each segment, package and copy, one durable transaction for a group. */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type { FloorRow } from "./floor-row.ts";

const { path } = workerData as { readonly path: string };
const database = new DatabaseSync(path);
database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
CREATE TABLE packages (key INTEGER PRIMARY KEY, recording BLOB NOT NULL) STRICT;
CREATE TABLE copies (
  package INTEGER NOT NULL, volume INTEGER NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL,
  PRIMARY KEY (package, volume)
) STRICT, WITHOUT ROWID;
CREATE TABLE segments (
  recording BLOB NOT NULL, number INTEGER NOT NULL, sequence INTEGER NOT NULL, hash BLOB NOT NULL,
  size INTEGER NOT NULL, received_ms INTEGER NOT NULL, package INTEGER NOT NULL,
  PRIMARY KEY (recording, number)
) STRICT, WITHOUT ROWID;`);
const insertPackage = database.prepare("INSERT INTO packages (recording) VALUES (?)");
const insertCopy = database.prepare("INSERT INTO copies VALUES (?, ?, ?, ?)");
const insertSegment = database.prepare("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)");

function insert(row: FloorRow): void {
  const { recording, number, sequence, hash, sizeBytes, receivedAtUnixMs, copies } = row;
  const key = insertPackage.run(recording).lastInsertRowid;
  insertSegment.run(recording, number, sequence, hash, sizeBytes, receivedAtUnixMs, key);
  for (const { volume, offsetBytes } of copies) insertCopy.run(key, volume, offsetBytes, sizeBytes);
}

parentPort?.on("message", (rows: readonly FloorRow[]) => {
  database.exec("BEGIN IMMEDIATE");
  for (const row of rows) insert(row);
  database.exec("COMMIT");
  parentPort?.postMessage(rows.map(() => null));
});
