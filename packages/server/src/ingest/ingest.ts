/**
 * Ingest: one signed message of a terminal in, signed statements out.
 *
 * Source: docs/format.md §9.1.
 */
import { CryptoError, sha256, verifyMessage } from "@pericard/crypto";
import { equalBytes, Gap, parseSigned, RoutingId, Status, type ParsedSigned } from "@pericard/protocol";
import type { Audit } from "../access/audit.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { ControlArea } from "../control/control-area.ts";
import { ServerError } from "../errors.ts";
import type { Mailbox } from "../keys/mailbox.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { RegisteredTerminal, TerminalRegistry } from "../keys/terminals.ts";
import { STORED_KIND } from "../volumes/volume.ts";
import { openSegments, type HpkeKeys } from "./open-segments.ts";
import type { StatementMaker } from "./statements.ts";
import type { StatusKeeper } from "./status-keeper.ts";
import type { SegmentStore } from "./store-segments.ts";

export interface IngestParts {
  readonly terminals: TerminalRegistry;
  readonly hpkeKeys: HpkeKeys;
  readonly segments: SegmentStore;
  readonly control: ControlArea;
  readonly catalog: Catalog;
  readonly recordingKeys: RecordingKeys;
  readonly statements: StatementMaker;
  readonly mailbox: Mailbox;
  readonly statusKeeper: StatusKeeper;
  readonly audit: Audit;
  readonly copyCount: number;
  readonly nowUnixMs: () => number;
}

/** How an answer may wait for mail. */
export interface AnswerWait {
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export class Ingest {
  readonly #parts: IngestParts;

  constructor(parts: IngestParts) {
    this.#parts = parts;
  }

  /**
   * Takes one message.
   *
   * @returns signed messages for the terminal.
   * @throws {ProtocolError} with the code of what is malformed; {ServerError} ERR_TERMINAL_UNKNOWN,
   * ERR_TERMINAL_QUARANTINED, ERR_SIGNATURE_INVALID, ERR_MESSAGE_REFUSED, ERR_STATUS_REPLAYED, ERR_BUFFER_FULL,
   * ERR_STORE_UNAVAILABLE. The same message may be sent again.
   */
  async receive(bytes: Uint8Array, wait: AnswerWait): Promise<readonly Uint8Array[]> {
    const message = parseSigned(bytes);
    const terminal = await this.#verify(message);
    if (message.type === "pericard/envelope") return this.#receiveEnvelope(terminal, message);
    if (message.type === "pericard/gap") return this.#receiveGap(terminal, message, bytes);
    if (message.type === "pericard/status") return this.#receiveStatus(terminal, message, wait);
    throw new ServerError("ERR_MESSAGE_REFUSED", "message is not of a type that terminals send");
  }

  async #verify(message: ParsedSigned): Promise<RegisteredTerminal> {
    const terminal = await this.#parts.terminals.get(RoutingId.fromBytes(message.keyIdBytes));
    try {
      verifyMessage(terminal.verifyKey, message);
    } catch (cause) {
      if (!(cause instanceof CryptoError)) throw cause;
      throw new ServerError("ERR_SIGNATURE_INVALID", "signature is not the terminal's", { cause });
    }
    return terminal;
  }

  async #receiveEnvelope(terminal: RegisteredTerminal, message: ParsedSigned): Promise<readonly Uint8Array[]> {
    const { control, segments, statements, hpkeKeys, mailbox, copyCount, nowUnixMs } = this.#parts;
    control.requireRoom();
    const { items, refusals: unopened } = openSegments(terminal, hpkeKeys, message);
    const receivedAtUnixMs = nowUnixMs();
    const { durable, contradictions, refusals: foreign } = await segments.store(terminal, items, receivedAtUnixMs);
    const { routing, serial } = terminal;
    const refusals = [...unopened, ...foreign];
    await Promise.all([
      ...refusals.map(({ code }) => this.#alarm(serial, `rejected ${code}`)),
      ...contradictions.map(({ item: { header }, cause }) =>
        this.#alarm(serial, `conflict ${cause} ${header.recording} ${header.sequence}`),
      ),
    ]);
    return [
      ...(durable.length > 0 ? [statements.receipt(routing, receivedAtUnixMs, copyCount, durable)] : []),
      ...contradictions.map((contradiction) => statements.conflict(routing, receivedAtUnixMs, contradiction)),
      ...refusals.map((refusal) => statements.rejected(routing, receivedAtUnixMs, refusal)),
      ...mailbox.collect(routing, 0),
    ];
  }

  #alarm(serial: string, action: string): Promise<unknown> {
    return this.#parts.audit.record({ actor: `terminal ${serial}`, action, subject: serial, outcome: "denied" });
  }

  async #receiveGap(
    terminal: RegisteredTerminal,
    message: ParsedSigned,
    bytes: Uint8Array,
  ): Promise<readonly Uint8Array[]> {
    const { control, catalog, recordingKeys, statements, copyCount, nowUnixMs } = this.#parts;
    const { routing, recording, stream, sequence, cause } = Gap.decode(message.payload);
    const owner = await recordingKeys.findTerminal(recording);
    if (routing !== terminal.routing || (owner !== null && owner !== terminal.serial)) {
      throw new ServerError("ERR_MESSAGE_REFUSED", "gap is another terminal's");
    }
    const hash = sha256(bytes);
    const known = await catalog.findGapHash(recording, stream, sequence);
    if (!known || !equalBytes(known, hash)) {
      control.requireRoom();
      await control.store({ kind: STORED_KIND.gap, bytes });
      await catalog.storeGap({ recording, stream, sequence, cause, hash });
    }
    return [statements.receipt(terminal.routing, nowUnixMs(), copyCount, [hash])];
  }

  async #receiveStatus(
    terminal: RegisteredTerminal,
    message: ParsedSigned,
    wait: AnswerWait,
  ): Promise<readonly Uint8Array[]> {
    const { mailbox, statusKeeper } = this.#parts;
    const status = Status.decode(message.payload);
    if (status.routing !== terminal.routing) {
      throw new ServerError("ERR_MESSAGE_REFUSED", "status is another terminal's");
    }
    await statusKeeper.keep(terminal, status);
    const now = mailbox.collect(terminal.routing, status.mailSeen);
    if (now.length > 0) return now;
    await mailbox.wait(terminal.routing, wait.waitMs, wait.signal);
    return mailbox.collect(terminal.routing, status.mailSeen);
  }
}
