/**
 * Erasure: keys overwritten in every copy, and the tombstones that keep what was erased from coming back.
 *
 * The tombstones lie here and not in the catalog, because they must survive the loss of the catalog.
 *
 * Source: docs/keys.md; docs/format.md §12.8.
 */
import { ErasureId, PatientId, RecordingId, TenantId, TerminalId } from "@pericard/protocol";
import type { Erasure, ErasureOrder, Tombstone } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { requireNoHold } from "./legal-holds.ts";
import { integerColumn, nullable, textColumn, type Row } from "./rows.ts";
import { commit, selectRows, type StoreContext } from "./store-context.ts";
import type { RowReader, RowWriter } from "./key-database.ts";

const EMPTY = new Uint8Array(0);

/**
 * Erases a patient: the patient's key and name, the data keys of all recordings, and the assignments that hold. One that
 * was erased before is not erased again: the erasure of then is given.
 *
 * @throws {CustodyError} ERR_PATIENT_UNKNOWN, ERR_LEGAL_HOLD; ERR_KEYSTORE_COPY when a copy could not be written (nothing is
 * erased then) or not be purged (erase again then).
 */
export function erasePatient(context: StoreContext, patient: PatientId, order: ErasureOrder): Erasure {
  const id = ErasureId.fromBytes(context.random(16));
  const erased = commit(context, (database) => {
    const [row] = database.rows("SELECT tenant, LENGTH(sealed_key) AS size FROM patients WHERE id = ?", patient);
    if (!row) throw new CustodyError("ERR_PATIENT_UNKNOWN", "there is no such patient");
    if (integerColumn(row, "size") === 0) return undefined;
    const tenant = TenantId.parse(textColumn(row, "tenant"));
    const recordings = database.rows("SELECT id, terminal FROM recordings WHERE patient = ? ORDER BY id", patient);
    requireNoHold(database, { patient, recordings: recordings.map((recording) => textColumn(recording, "id")) });
    insertErasure(database, { id, tenant, patient, ...order });
    recordings.forEach((recording) => bury(database, { id, tenant, atUnixMs: order.atUnixMs }, recording));
    database.run("UPDATE patients SET sealed_key = ?, sealed_name = ? WHERE id = ?", EMPTY, EMPTY, patient);
    endAssignments(database, patient, order);
    return id;
  });
  context.database.purge();
  const [known] = selectRows(context, "SELECT * FROM erasures WHERE patient = ? ORDER BY at_ms, id", patient);
  return getErasure(context, erased ?? ErasureId.parse(textColumn(known ?? {}, "id")));
}

/**
 * Erases single recordings of one tenant. Those that were erased before are left out; when all were, the erasure of the
 * first is given.
 *
 * @throws {CustodyError} ERR_RECORDING_UNKNOWN, ERR_LEGAL_HOLD, ERR_KEYSTORE_COPY as {@link erasePatient}.
 */
export function eraseRecordings(
  context: StoreContext,
  recordings: readonly RecordingId[],
  order: ErasureOrder,
): Erasure {
  const id = ErasureId.fromBytes(context.random(16));
  const isNew = commit(context, (database) => {
    const rows = [...new Set(recordings)].flatMap((recording) => findToErase(database, recording));
    const [first] = rows;
    if (!first) return false;
    const tenant = TenantId.parse(textColumn(first, "tenant"));
    if (rows.some((row) => row["tenant"] !== tenant)) {
      throw new CustodyError("ERR_RECORDING_UNKNOWN", "recordings are of several tenants");
    }
    for (const row of rows) {
      const patient = nullable(row, "patient", textColumn);
      requireNoHold(database, { patient, recordings: [textColumn(row, "id")] });
    }
    insertErasure(database, { id, tenant, patient: null, ...order });
    rows.forEach((row) => bury(database, { id, tenant, atUnixMs: order.atUnixMs }, row));
    return true;
  });
  context.database.purge();
  const [first] = recordings;
  return getErasure(context, isNew || first === undefined ? id : requireTombstone(context, first).erasure);
}

/** None for a recording that was erased before. */
function findToErase(database: RowReader, recording: RecordingId): readonly Row[] {
  const found = database.rows("SELECT id, tenant, terminal, patient FROM recordings WHERE id = ?", recording);
  if (found.length > 0 || isBuried(database, recording)) return found;
  throw new CustodyError("ERR_RECORDING_UNKNOWN", `there is no recording ${recording}`);
}

/**
 * Whether nothing of a recording may be taken: it was erased, or it is its erased patient's and comes only now, and has its
 * tombstone from now on. To be called within the commit that would draw its key.
 */
export function isErased(
  database: RowWriter,
  recording: Pick<Tombstone, "recording" | "terminal" | "tenant"> & { readonly patient: PatientId | null },
  nowUnixMs: number,
): boolean {
  if (isBuried(database, recording.recording)) return true;
  const [row] = database.rows("SELECT LENGTH(sealed_key) AS size FROM patients WHERE id = ?", recording.patient);
  if (!row || integerColumn(row, "size") > 0) return false;
  const [erasure] = database.rows("SELECT id FROM erasures WHERE patient = ? ORDER BY at_ms, id", recording.patient);
  const { recording: id, terminal, tenant } = recording;
  const buried = { id: ErasureId.parse(textColumn(erasure ?? {}, "id")), tenant, atUnixMs: nowUnixMs };
  bury(database, buried, { id, terminal });
  return true;
}

function isBuried(database: RowReader, recording: RecordingId): boolean {
  return database.rows("SELECT number FROM tombstones WHERE recording = ?", recording).length > 0;
}

/**
 * Puts a tombstone in the place of a recording's key. Numbers rise with time, so that they rise also over a key store that
 * was put back from a backup: whoever has seen higher ones would never look at lower ones.
 */
function bury(database: RowWriter, erasure: Pick<Erasure, "id" | "tenant" | "atUnixMs">, recording: Row): void {
  const [last] = database.rows("SELECT COALESCE(MAX(number), 0) AS number FROM tombstones");
  const number = Math.max(integerColumn(last ?? {}, "number") + 1, erasure.atUnixMs);
  const id = textColumn(recording, "id");
  database.run(
    "INSERT INTO tombstones (recording, number, erasure, tenant, terminal) VALUES (?, ?, ?, ?, ?)",
    id,
    number,
    erasure.id,
    erasure.tenant,
    textColumn(recording, "terminal"),
  );
  database.run("DELETE FROM recordings WHERE id = ?", id);
}

function insertErasure(database: RowWriter, erasure: Omit<Erasure, "tombstones">): void {
  const { id, tenant, patient, reason, by, atUnixMs } = erasure;
  database.run(
    "INSERT INTO erasures (id, tenant, patient, reason, asked_by, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
    id,
    tenant,
    patient,
    reason,
    by,
    atUnixMs,
  );
}

/** From now on the patient's terminals are nobody's. What they recorded before stays the patient's, and so erased. */
function endAssignments(database: RowWriter, patient: PatientId, { atUnixMs }: ErasureOrder): void {
  const held = database.rows(
    "SELECT DISTINCT terminal FROM assignments WHERE patient = ? AND to_ms IS NULL ORDER BY terminal",
    patient,
  );
  database.run("UPDATE assignments SET to_ms = ? WHERE patient = ? AND to_ms IS NULL", atUnixMs, patient);
  for (const row of held) {
    database.run(
      "INSERT INTO assignments (terminal, patient, from_ms, to_ms, reason) VALUES (?, NULL, ?, NULL, ?)",
      textColumn(row, "terminal"),
      atUnixMs,
      "patient was erased",
    );
  }
}

/** Every erasure, oldest first, without its tombstones. */
export function erasures(context: StoreContext): readonly Omit<Erasure, "tombstones">[] {
  return selectRows(context, "SELECT * FROM erasures ORDER BY at_ms, id").map(readErasure);
}

/** @throws {CustodyError} ERR_ERASURE_UNKNOWN. */
export function getErasure(context: StoreContext, id: ErasureId): Erasure {
  const [row] = selectRows(context, "SELECT * FROM erasures WHERE id = ?", id);
  if (!row) throw new CustodyError("ERR_ERASURE_UNKNOWN", "there is no such erasure");
  const found = selectRows(context, `${TOMBSTONES} WHERE t.erasure = ? ORDER BY t.number`, id);
  return { ...readErasure(row), tombstones: found.map(readTombstone) };
}

/** What stands in the place of an erased recording; undefined for any other. */
export function findTombstone(context: StoreContext, recording: RecordingId): Tombstone | undefined {
  const [row] = selectRows(context, `${TOMBSTONES} WHERE t.recording = ?`, recording);
  return row && readTombstone(row);
}

function requireTombstone(context: StoreContext, recording: RecordingId): Tombstone {
  const found = findTombstone(context, recording);
  if (found) return found;
  throw new CustodyError("ERR_RECORDING_UNKNOWN", `there is no recording ${recording}`);
}

/** Tombstones above a number, in order of numbers, at most `limit`. */
export function tombstonesAfter(context: StoreContext, number: number, limit: number): readonly Tombstone[] {
  const sql = `${TOMBSTONES} WHERE t.number > ? ORDER BY t.number LIMIT ?`;
  return selectRows(context, sql, number, limit).map(readTombstone);
}

const TOMBSTONES = "SELECT t.*, e.at_ms FROM tombstones t JOIN erasures e ON e.id = t.erasure";

function readErasure(row: Row): Omit<Erasure, "tombstones"> {
  return {
    id: ErasureId.parse(textColumn(row, "id")),
    tenant: TenantId.parse(textColumn(row, "tenant")),
    patient: nullable(row, "patient", (r, c) => PatientId.parse(textColumn(r, c))),
    reason: textColumn(row, "reason"),
    by: textColumn(row, "asked_by"),
    atUnixMs: integerColumn(row, "at_ms"),
  };
}

function readTombstone(row: Row): Tombstone {
  return {
    number: integerColumn(row, "number"),
    recording: RecordingId.parse(textColumn(row, "recording")),
    erasure: ErasureId.parse(textColumn(row, "erasure")),
    tenant: TenantId.parse(textColumn(row, "tenant")),
    terminal: TerminalId.parse(textColumn(row, "terminal")),
    erasedAtUnixMs: integerColumn(row, "at_ms"),
  };
}
