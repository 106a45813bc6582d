/** Legal holds: what must not be erased, whoever asks. Source: docs/keys.md; docs/format.md §12.8. */
import { PatientId, RecordingId, TenantId, toHex } from "@pericard/protocol";
import type { ErasureOrder, HoldOrder, LegalHold } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { integerColumn, nullable, textColumn, type Row } from "./rows.ts";
import { commit, selectRows, type StoreContext } from "./store-context.ts";
import { firstRow, type RowReader } from "./key-database.ts";

/** Puts a patient or a recording under hold. @throws {CustodyError} ERR_PATIENT_UNKNOWN, ERR_RECORDING_UNKNOWN. */
export function setHold(context: StoreContext, { patient, recording, reason, by, atUnixMs }: HoldOrder): LegalHold {
  const id = toHex(context.random(16));
  commit(context, (database) => {
    const tenant = tenantOf(database, patient, recording);
    database.run(
      "INSERT INTO legal_holds (id, tenant, patient, recording, reason, set_by, set_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
      id,
      tenant,
      patient,
      recording,
      reason,
      by,
      atUnixMs,
    );
  });
  return getHold(context, id);
}

function tenantOf(database: RowReader, patient: PatientId | null, recording: RecordingId | null): string {
  const row =
    patient === null
      ? firstRow(database, "SELECT tenant FROM recordings WHERE id = ?", recording)
      : firstRow(database, "SELECT tenant FROM patients WHERE id = ? AND LENGTH(sealed_key) > 0", patient);
  if (row) return textColumn(row, "tenant");
  throw patient === null
    ? new CustodyError("ERR_RECORDING_UNKNOWN", "there is no such recording")
    : new CustodyError("ERR_PATIENT_UNKNOWN", "there is no such patient");
}

/** Ends a hold. One that was lifted stays as it was lifted. @throws {CustodyError} ERR_HOLD_UNKNOWN. */
export function liftHold(context: StoreContext, id: string, { by, reason, atUnixMs }: ErasureOrder): LegalHold {
  commit(context, (database) => {
    database.run(
      "UPDATE legal_holds SET lifted_by = ?, lifted_reason = ?, lifted_ms = ? WHERE id = ? AND lifted_ms IS NULL",
      by,
      reason,
      atUnixMs,
      id,
    );
  });
  return getHold(context, id);
}

/** Every hold, oldest first, also those that were lifted. */
export function holds(context: StoreContext): readonly LegalHold[] {
  return selectRows(context, "SELECT * FROM legal_holds ORDER BY set_ms, id").map(readHold);
}

function getHold(context: StoreContext, id: string): LegalHold {
  const [row] = selectRows(context, "SELECT * FROM legal_holds WHERE id = ?", id);
  if (!row) throw new CustodyError("ERR_HOLD_UNKNOWN", "there is no such hold");
  return readHold(row);
}

/**
 * Refuses an erasure of a patient, or of recordings of a patient, when any of them is held. To be called within the commit
 * that erases, so that a hold that is set meanwhile is seen.
 *
 * @throws {CustodyError} ERR_LEGAL_HOLD.
 */
export function requireNoHold(
  database: RowReader,
  { patient, recordings }: { readonly patient: string | null; readonly recordings: readonly string[] },
): void {
  const held = database.rows("SELECT id, patient, recording FROM legal_holds WHERE lifted_ms IS NULL");
  const named = new Set(recordings);
  const found = held.find(
    (row) => (row["patient"] !== null && row["patient"] === patient) || named.has(String(row["recording"])),
  );
  if (found) throw new CustodyError("ERR_LEGAL_HOLD", `legal hold ${String(found["id"])} forbids it`);
}

function readHold(row: Row): LegalHold {
  return {
    id: textColumn(row, "id"),
    tenant: TenantId.parse(textColumn(row, "tenant")),
    patient: nullable(row, "patient", (r, c) => PatientId.parse(textColumn(r, c))),
    recording: nullable(row, "recording", (r, c) => RecordingId.parse(textColumn(r, c))),
    reason: textColumn(row, "reason"),
    by: textColumn(row, "set_by"),
    atUnixMs: integerColumn(row, "set_ms"),
    lifted: nullable(row, "lifted_ms", () => ({
      by: textColumn(row, "lifted_by"),
      reason: textColumn(row, "lifted_reason"),
      atUnixMs: integerColumn(row, "lifted_ms"),
    })),
  };
}
