/** Recordings as lists show them. */
import type { Catalog, RecordingRow } from "../catalog.ts";
import { patientSummaryRow, recordingRow, streamRow, type SqlRow } from "../rows.ts";
import type { Database } from "./database.ts";

type RecordingMethods = Pick<Catalog, "listRecordings" | "summarisePatients" | "findRecording">;

/** A recording with its successor, and its streams with their boots as JSON. */
const RECORDING =
  "SELECT r.*, n.id AS successor, n.predecessor_cause AS successor_cause," +
  " (SELECT json_agg(s ORDER BY s.stream) FROM (SELECT t.*, b.offset_ms FROM streams t LEFT JOIN boots b" +
  " ON b.terminal = r.terminal AND b.boot_id = t.boot_id WHERE t.recording = r.key) s) AS streams FROM recordings r" +
  " LEFT JOIN LATERAL (SELECT * FROM recordings n WHERE n.predecessor = r.id AND n.terminal = r.terminal" +
  " ORDER BY n.key LIMIT 1) n ON true";

function withStreams(row: SqlRow): RecordingRow {
  const streams = (row["streams"] ?? []) as readonly SqlRow[];
  return recordingRow(
    row,
    streams.map((stream) => streamRow(stream)),
  );
}

export function recordingMethods({ ask }: Database): RecordingMethods {
  return {
    listRecordings: async (tenant, patient) => {
      const text = `${RECORDING} WHERE r.tenant = $1 AND r.patient = $2 ORDER BY r.first_received_ms DESC, r.key DESC`;
      return (await ask(text, tenant, patient)).map(withStreams);
    },
    summarisePatients: async (tenant, patients) => {
      const rows = await ask(
        "SELECT p.patient, t.n, t.latest, w.id AS newest FROM unnest($2::text[]) AS p (patient)" +
          " CROSS JOIN LATERAL (SELECT COUNT(DISTINCT r.key) AS n, MAX(s.last_received_ms) AS latest FROM recordings r" +
          " JOIN streams s ON s.recording = r.key WHERE r.tenant = $1 AND r.patient = p.patient) t" +
          " JOIN LATERAL (SELECT r.id FROM recordings r WHERE r.tenant = $1 AND r.patient = p.patient" +
          " ORDER BY r.first_received_ms DESC, r.key DESC LIMIT 1) w ON true",
        tenant,
        patients,
      );
      return rows.map(patientSummaryRow);
    },
    findRecording: async (recording) => {
      const [row] = await ask(`${RECORDING} WHERE r.id = $1`, recording);
      return row ? withStreams(row) : null;
    },
  };
}
