/** Whose a terminal is, in server time. */
import { PatientId, type TerminalId } from "@pericard/protocol";
import type { Assignment } from "./entities.ts";
import { holderKey } from "./holders.ts";
import { integerColumn, nullable, textColumn, type Row } from "./rows.ts";
import { commit, selectRows, type StoreContext } from "./store-context.ts";
import { getTerminal } from "./terminals.ts";

const patientOf = (row: Row): PatientId | null => nullable(row, "patient", (r, c) => PatientId.parse(textColumn(r, c)));

export function assign(
  context: StoreContext,
  serial: TerminalId,
  patient: PatientId | null,
  nowUnixMs: number,
  reason: string,
): Assignment {
  const terminal = getTerminal(context, serial);
  if (patient !== null) holderKey(context, terminal.tenant, patient);
  commit(context, (database) => {
    database.run("UPDATE assignments SET to_ms = ? WHERE terminal = ? AND to_ms IS NULL", nowUnixMs, serial);
    database.run(
      "INSERT INTO assignments (terminal, patient, from_ms, to_ms, reason) VALUES (?, ?, ?, NULL, ?)",
      serial,
      patient,
      nowUnixMs,
      reason,
    );
  });
  return { terminal: serial, patient, fromUnixMs: nowUnixMs, toUnixMs: null, reason };
}

export function assignments(context: StoreContext, serial: TerminalId): readonly Assignment[] {
  return selectRows(context, "SELECT * FROM assignments WHERE terminal = ? ORDER BY from_ms, id", serial).map(
    (row) => ({
      terminal: serial,
      patient: patientOf(row),
      fromUnixMs: integerColumn(row, "from_ms"),
      toUnixMs: nullable(row, "to_ms", integerColumn),
      reason: textColumn(row, "reason"),
    }),
  );
}

export function patientAt(context: StoreContext, serial: TerminalId, unixMs: number): PatientId | null {
  const [row] = selectRows(
    context,
    "SELECT patient FROM assignments WHERE terminal = ? AND from_ms <= ? AND (to_ms IS NULL OR to_ms > ?) ORDER BY id DESC LIMIT 1",
    serial,
    unixMs,
    unixMs,
  );
  return row ? patientOf(row) : null;
}
