/** What the server does with a terminal's status: keep it, learn its clock, end recordings that changed hands. */
import type { Status } from "@pericard/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import type { Mailbox } from "../keys/mailbox.ts";
import type { RegisteredTerminal } from "../keys/terminals.ts";

const END_RECORDING_LIFETIME_MS = 60_000;

export class StatusKeeper {
  readonly #catalog: Catalog;
  readonly #keyStore: KeyStorePort;
  readonly #mailbox: Mailbox;
  readonly #nowUnixMs: () => number;

  constructor(catalog: Catalog, keyStore: KeyStorePort, mailbox: Mailbox, nowUnixMs: () => number) {
    this.#catalog = catalog;
    this.#keyStore = keyStore;
    this.#mailbox = mailbox;
    this.#nowUnixMs = nowUnixMs;
  }

  /** @throws {ServerError} ERR_STATUS_REPLAYED when its contact number is not higher than the last one. */
  async keep(terminal: RegisteredTerminal, status: Status): Promise<void> {
    const receivedAtUnixMs = this.#nowUnixMs();
    const kept = await this.#catalog.storeStatus({
      terminal: terminal.serial,
      contact: status.contact,
      receivedAtUnixMs,
      bootId: status.bootId,
      bootOffsetMs: receivedAtUnixMs - status.monotonicMs,
      statusJson: JSON.stringify({ ...status, heads: undefined }),
      heads: status.heads,
    });
    if (!kept) throw new ServerError("ERR_STATUS_REPLAYED", "status is not newer than the last one");
    for (const head of status.heads) if (head.open) await this.#endIfReassigned(terminal, head.recording);
  }

  /** A recording that is under way when its terminal goes to another patient has to end. */
  async #endIfReassigned(terminal: RegisteredTerminal, recording: Status["heads"][number]["recording"]): Promise<void> {
    const key = await this.#keyStore.findRecordingKey(recording);
    const current = (await this.#keyStore.assignments(terminal.serial)).at(-1);
    if (!key || key.terminal !== terminal.serial || !current || current.patient === key.patient) return;
    const start = (await this.#catalog.findRecording(recording))?.start;
    const begunAtUnixMs = start?.certainty === "measured" ? (start.unixMs ?? 0) : key.createdAtUnixMs;
    if (current.fromUnixMs <= begunAtUnixMs) return;
    this.#mailbox.command(terminal.routing, "end-recording", 0, END_RECORDING_LIFETIME_MS);
  }
}
