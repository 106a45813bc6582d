/**
 * Which recordings a terminal may have back: those that it began in its current assignment, and that are still that
 * patient's. By server time, since a terminal's clock is a claim.
 */
import type { PatientId, RecordingId } from "@pericard/protocol";
import type { Catalog, RecordingRow } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import type { RegisteredTerminal } from "../keys/terminals.ts";

type Terminal = Pick<RegisteredTerminal, "serial" | "tenant">;

interface CurrentAssignment {
  readonly patient: PatientId;
  readonly fromUnixMs: number;
}

export class OwnRecordings {
  readonly #keyStore: KeyStorePort;
  readonly #catalog: Catalog;

  constructor(keyStore: KeyStorePort, catalog: Catalog) {
    this.#keyStore = keyStore;
    this.#catalog = catalog;
  }

  /** Newest first. @throws {ServerError} ERR_NOT_FOUND when the terminal is nobody's now. */
  async list(terminal: Terminal): Promise<readonly RecordingRow[]> {
    const current = await this.#current(terminal);
    const rows = await this.#catalog.listRecordings(terminal.tenant, current.patient);
    return rows.filter((row) => isOf(row, terminal, current));
  }

  /** @throws {ServerError} ERR_NOT_FOUND also when it is another's: what is not allowed looks like what is not there. */
  async get(terminal: Terminal, recording: RecordingId): Promise<RecordingRow> {
    const current = await this.#current(terminal);
    const [row, key] = await Promise.all([
      this.#catalog.findRecording(recording),
      this.#keyStore.findRecordingKey(recording),
    ]);
    // The key store has the last word on whose it is: an erased or reassigned recording may still have its row.
    if (row && key?.patient === current.patient && isOf(row, terminal, current)) return row;
    throw new ServerError("ERR_NOT_FOUND", "recording is not of the terminal's current assignment");
  }

  async #current({ serial }: Terminal): Promise<CurrentAssignment> {
    const current = (await this.#keyStore.assignments(serial)).at(-1);
    if (current?.patient && current.toUnixMs === null) return { ...current, patient: current.patient };
    throw new ServerError("ERR_NOT_FOUND", "terminal is assigned to nobody");
  }
}

function isOf(row: RecordingRow, { serial, tenant }: Terminal, { patient, fromUnixMs }: CurrentAssignment): boolean {
  const { start, firstReceivedUnixMs } = row;
  const begunAtUnixMs = start.certainty === "measured" ? (start.unixMs ?? 0) : firstReceivedUnixMs;
  return row.terminal === serial && row.tenant === tenant && row.patient === patient && begunAtUnixMs >= fromUnixMs;
}
