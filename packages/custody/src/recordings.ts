/**
 * The data keys of recordings.
 *
 * Source: docs/keys.md; docs/format.md §4.4.
 */
import { openBlob, sealBlob } from "@pericard/crypto";
import { PatientId, RecordingId, TenantId, TerminalId } from "@pericard/protocol";
import type { RecordingKey } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { isErased } from "./erasures.ts";
import { findHolderKey, holderKey } from "./holders.ts";
import { blobColumn, integerColumn, nullable, textColumn, type Row } from "./rows.ts";
import { commit, KEY_BYTES, selectRows, type ReadContext, type StoreContext } from "./store-context.ts";
import { getTerminal } from "./terminals.ts";

export function obtainRecordingKey(
  context: StoreContext,
  recording: RecordingId,
  serial: TerminalId,
  patient: PatientId | null,
  nowUnixMs: number,
): RecordingKey {
  const { random } = context;
  const known = findOwn(context, recording, serial);
  if (known) return known;
  const { tenant } = getTerminal(context, serial);
  const dataKey = random(KEY_BYTES);
  const wrapping = findHolderKey(context, tenant, patient);
  const sealedKey = wrapping && sealBlob(wrapping, keyContext(recording), dataKey, random);
  const made = { recording, tenant, terminal: serial, patient, dataKey, createdAtUnixMs: nowUnixMs };
  const kept = commit(context, (database) => {
    // Another server may have been faster: there is one key, and it is the first.
    const rival = findOwn({ ...context, database }, recording, serial);
    if (rival) return rival;
    if (isErased(database, made, nowUnixMs)) return undefined;
    if (!sealedKey) throw new CustodyError("ERR_PATIENT_UNKNOWN", "patient is not of this tenant");
    database.run(
      "INSERT INTO recordings VALUES (?, ?, ?, ?, ?, ?)",
      recording,
      tenant,
      serial,
      patient,
      sealedKey,
      nowUnixMs,
    );
    return made;
  });
  if (kept) return kept;
  throw new CustodyError("ERR_RECORDING_ERASED", `recording ${recording} was erased`);
}

/** @throws {CustodyError} ERR_RECORDING_UNKNOWN when the recording is another terminal's. */
function findOwn(context: ReadContext, recording: RecordingId, serial: TerminalId): RecordingKey | undefined {
  const known = findRecordingKey(context, recording);
  if (!known || known.terminal === serial) return known;
  throw new CustodyError("ERR_RECORDING_UNKNOWN", "recording is another terminal's");
}

export function findRecordingKey(context: ReadContext, recording: RecordingId): RecordingKey | undefined {
  const [row] = selectRows(context, "SELECT * FROM recordings WHERE id = ?", recording);
  return row && readRecording(context, row);
}

export function recordingKeys(context: StoreContext): readonly RecordingKey[] {
  const rows = selectRows(context, "SELECT * FROM recordings ORDER BY created_at_ms, id");
  return rows.map((row) => readRecording(context, row));
}

function keyContext(recording: RecordingId) {
  return ["recording", RecordingId.toBytes(recording)] as const;
}

function readRecording(context: ReadContext, row: Row): RecordingKey {
  const recording = RecordingId.parse(textColumn(row, "id"));
  const tenant = TenantId.parse(textColumn(row, "tenant"));
  const patient = nullable(row, "patient", (r, c) => PatientId.parse(textColumn(r, c)));
  return {
    recording,
    tenant,
    terminal: TerminalId.parse(textColumn(row, "terminal")),
    patient,
    dataKey: openBlob(holderKey(context, tenant, patient), keyContext(recording), blobColumn(row, "sealed_key")),
    createdAtUnixMs: integerColumn(row, "created_at_ms"),
  };
}
