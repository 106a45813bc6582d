/** Recordings as lists show them. */
import type { CatalogMethods, RecordingRow, StreamRow } from "../catalog.ts";
import { patientSummaryRow, recordingRow, streamRow, type SqlRow } from "../rows.ts";
import type { SqlContext } from "./sql-context.ts";

type RecordingMethods = Pick<CatalogMethods, "listRecordings" | "summarisePatients" | "findRecording">;

const RECORDING_COLUMNS =
  "SELECT r.*, s.id AS successor, s.predecessor_cause AS successor_cause FROM recordings r" +
  " LEFT JOIN recordings s ON s.key = (SELECT MIN(n.key) FROM recordings n" +
  " WHERE n.predecessor = r.id AND n.terminal = r.terminal)";

export function recordingMethods({ sql }: SqlContext): RecordingMethods {
  const withStreams = (row: SqlRow): RecordingRow => {
    const streams = sql(
      "SELECT s.*, b.offset_ms FROM streams s LEFT JOIN boots b ON b.terminal = ? AND b.boot_id = s.boot_id" +
        " WHERE s.recording = ? ORDER BY s.stream",
    ).all(String(row["terminal"]), Number(row["key"]));
    return recordingRow(
      row,
      streams.map((stream): StreamRow => streamRow(stream)),
    );
  };
  return {
    listRecordings: (tenant, patient) =>
      sql(`${RECORDING_COLUMNS} WHERE r.tenant = ? AND r.patient = ? ORDER BY r.first_received_ms DESC, r.key DESC`)
        .all(tenant, patient)
        .map(withStreams),
    summarisePatients: (tenant, patients) => {
      const summarise = sql(
        "SELECT r.patient, COUNT(DISTINCT r.key) AS n, MAX(s.last_received_ms) AS latest, (SELECT n.id FROM recordings n" +
          " WHERE n.tenant = ?1 AND n.patient = ?2 ORDER BY n.first_received_ms DESC, n.key DESC LIMIT 1) AS newest" +
          " FROM recordings r JOIN streams s ON s.recording = r.key WHERE r.tenant = ?1 AND r.patient = ?2 GROUP BY r.patient",
      );
      return patients.flatMap((patient) => summarise.all(tenant, patient).map(patientSummaryRow));
    },
    findRecording: (recording) => {
      const row = sql(`${RECORDING_COLUMNS} WHERE r.id = ?`).get(recording);
      return row ? withStreams(row) : null;
    },
  };
}
