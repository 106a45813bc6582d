/** What the server does with a terminal's status: keep it, learn its clock, end recordings that changed hands. */
import { compareKeyUse, type KeyUse, type Status } from "@pericard/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import { nameOf, type KeyWatch } from "../keys/key-watch.ts";
import type { Mailbox } from "../keys/mailbox.ts";
import type { RegisteredTerminal } from "../keys/terminals.ts";

const END_RECORDING_LIFETIME_MS = 60_000;

export interface StatusKeeperParts {
  readonly catalog: Catalog;
  readonly keyStore: KeyStorePort;
  readonly mailbox: Mailbox;
  readonly keyWatch: KeyWatch;
  readonly nowUnixMs: () => number;
}

export class StatusKeeper {
  readonly #catalog: Catalog;
  readonly #keyStore: KeyStorePort;
  readonly #mailbox: Mailbox;
  readonly #keyWatch: KeyWatch;
  readonly #nowUnixMs: () => number;

  constructor(parts: StatusKeeperParts) {
    const { catalog, keyStore, mailbox, keyWatch, nowUnixMs } = parts;
    this.#catalog = catalog;
    this.#keyStore = keyStore;
    this.#mailbox = mailbox;
    this.#keyWatch = keyWatch;
    this.#nowUnixMs = nowUnixMs;
  }

  /** @throws {ServerError} ERR_STATUS_REPLAYED when its contact number is not higher than the last one. */
  async keep(terminal: RegisteredTerminal, status: Status): Promise<void> {
    const receivedAtUnixMs = this.#nowUnixMs();
    const { kept, beforeJson } = await this.#catalog.storeStatus({
      terminal: terminal.serial,
      contact: status.contact,
      receivedAtUnixMs,
      bootId: status.bootId,
      bootOffsetMs: receivedAtUnixMs - status.monotonicMs,
      statusJson: JSON.stringify({ ...status, heads: undefined }),
      heads: status.heads,
    });
    if (!kept) await this.#alarmIfRestored(terminal, status);
    if (!kept) throw new ServerError("ERR_STATUS_REPLAYED", "status is not newer than the last one");
    if (beforeJson !== null) await this.#alarmIfBack(terminal, status, JSON.parse(beforeJson) as KeyUse);
    for (const head of status.heads) if (head.open) await this.#endIfReassigned(terminal, head.recording);
  }

  /**
   * Anybody on the path can send an old status again, and its run is known. A run that is not, with numbers that were
   * used, is a terminal's that was restored from a copy.
   */
  async #alarmIfRestored({ serial }: RegisteredTerminal, { bootId, contact }: Status): Promise<void> {
    if ((await this.#catalog.findBootOffset(serial, bootId)) !== null) return;
    await this.#keyWatch.alarm(serial, "contact", `contact ${contact} of an unknown run is not new`);
  }

  /** Uses only rise from one status to the next. Segments say nothing of it: they may overtake a status, or come late. */
  async #alarmIfBack({ serial }: RegisteredTerminal, status: KeyUse, before: KeyUse): Promise<void> {
    if (compareKeyUse(status, before) >= 0) return;
    await this.#keyWatch.alarm(serial, "use", `${nameOf(status)} after ${nameOf(before)}`);
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
