/**
 * Ingest: one signed message of a terminal in, signed statements out.
 *
 * Source: docs/format.md §9.1.
 */
import { CryptoError, sha256, verifyMessage } from "@pericard/crypto";
import {
  compareKeyUse,
  Gap,
  isPaperEnvelope,
  isPaperKeyMessage,
  PaperKeyAnswer,
  parsePaperEnvelope,
  parseSigned,
  RoutingId,
  Status,
  SUITE,
  type ParsedSigned,
  type JournalledHeader,
  type RecordingId,
} from "@pericard/protocol";
import type { Refusals } from "../access/refusals.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { ControlArea } from "../control/control-area.ts";
import { ServerError } from "../errors.ts";
import { problemOf } from "../http/problems.ts";
import type { KeyChanges } from "../keys/key-changes.ts";
import { nameOf, type KeyWatch } from "../keys/key-watch.ts";
import type { Mailbox } from "../keys/mailbox.ts";
import type { RecordingKeys } from "../keys/recordings.ts";
import type { ServerKeys } from "../keys/server-keys.ts";
import type { RegisteredTerminal, TerminalRegistry } from "../keys/terminals.ts";
import type { ReverseOutput } from "../reverse-output/reverse-output.ts";
import { STORED_KIND } from "../volumes/volume.ts";
import type { Quota } from "./quota.ts";
import { openPaperSegments, requirePaper } from "./open-paper.ts";
import { openSegments, type ClosedEnvelope, type OpenedEnvelope, type OpenedItem } from "./open-segments.ts";
import type { StatementMaker } from "./statements.ts";
import type { StatusKeeper } from "./status-keeper.ts";
import type { SegmentStore } from "./store-segments.ts";

const KEY_CHANGE_TYPES = ["pericard/key-answer", "pericard/key-taken", "pericard/key-refused"] as const;

export interface IngestParts {
  readonly terminals: TerminalRegistry;
  readonly serverKeys: ServerKeys;
  readonly segments: SegmentStore;
  readonly control: ControlArea;
  readonly catalog: Catalog;
  readonly recordingKeys: RecordingKeys;
  readonly statements: StatementMaker;
  readonly mailbox: Mailbox;
  readonly keyChanges: KeyChanges;
  readonly keyWatch: KeyWatch;
  readonly statusKeeper: StatusKeeper;
  readonly reverseOutput: Pick<ReverseOutput, "answer">;
  readonly refusals: Refusals;
  readonly quota: Quota;
  readonly copyCount: number;
  readonly nowUnixMs: () => number;
}

/** Who sent a message, as far as it was found out. */
interface Seen {
  source: string;
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
   * ERR_TERMINAL_QUARANTINED, ERR_SIGNATURE_INVALID, ERR_SUITE_REFUSED, ERR_MESSAGE_REFUSED, ERR_STATUS_REPLAYED, ERR_BUFFER_FULL,
   * ERR_STORE_UNAVAILABLE, and the codes of reverse output. The same message may be sent again.
   */
  async receive(bytes: Uint8Array, wait: AnswerWait): Promise<readonly Uint8Array[]> {
    const { serverKeys } = this.#parts;
    await serverKeys.refresh();
    const seen: Seen = { source: "unknown source" };
    const answers = await this.#receive(bytes, wait, seen).catch(async (error: unknown) => {
      const { status, code } = problemOf(error);
      if (status < 500) await this.#parts.refusals.note(seen.source, `refused ${code}`);
      throw error;
    });
    return answers.length > 0 ? [...serverKeys.receiptStatements(), ...answers] : answers;
  }

  async #receive(bytes: Uint8Array, wait: AnswerWait, seen: Seen): Promise<readonly Uint8Array[]> {
    if (isPaperEnvelope(bytes)) return this.#receivePaperEnvelope(bytes, seen);
    if (isPaperKeyMessage(bytes)) return this.#receivePaperKeyAnswer(bytes, seen);
    const message = parseSigned(bytes);
    const terminal = await this.#verify(message, seen);
    if (message.type === "pericard/envelope") return this.#receiveEnvelope(terminal, message, bytes.length);
    if (message.type === "pericard/gap") return this.#receiveGap(terminal, message, bytes);
    if (message.type === "pericard/status") return this.#receiveStatus(terminal, message, wait);
    if (message.type === "pericard/fetch-back") {
      return this.#parts.reverseOutput.answer(terminal, bytes, message.payload);
    }
    const keyChange = KEY_CHANGE_TYPES.find((type) => type === message.type);
    if (keyChange) return this.#parts.keyChanges.take(terminal, keyChange, bytes, message.payload);
    throw new ServerError("ERR_MESSAGE_REFUSED", "message is not of a type that terminals send");
  }

  async #verify(message: ParsedSigned, seen: Seen): Promise<RegisteredTerminal> {
    const terminal = await this.#claimed(RoutingId.fromBytes(message.keyIdBytes), seen);
    try {
      verifyMessage(terminal.verifyKey, message);
      seen.source = `terminal ${terminal.serial}`;
    } catch (cause) {
      if (!(cause instanceof CryptoError)) throw cause;
      throw new ServerError("ERR_SIGNATURE_INVALID", "signature is not the terminal's", { cause });
    }
    return terminal;
  }

  /** The terminal that a message claims to be of. */
  async #claimed(routing: RoutingId, seen: Seen): Promise<RegisteredTerminal> {
    const terminal = await this.#parts.terminals.get(routing);
    seen.source = `somebody as terminal ${terminal.serial}`;
    return terminal;
  }

  async #receiveEnvelope(
    terminal: RegisteredTerminal,
    message: ParsedSigned,
    sizeBytes: number,
  ): Promise<readonly Uint8Array[]> {
    if (terminal.suite !== SUITE.pericard1) {
      throw new ServerError("ERR_SUITE_REFUSED", `terminal ${terminal.serial} is not registered for suite pericard-1`);
    }
    this.#parts.control.requireRoom();
    const { serverKeys } = this.#parts;
    const { opened, closed, hpkeKey } = openSegments(terminal, serverKeys, message);
    const answers = opened
      ? await this.#storeEnvelope(terminal, opened, sizeBytes)
      : await this.#refuseClosed(terminal, closed);
    return [...serverKeys.hpkeStatements(hpkeKey), ...answers];
  }

  /** The terminal still has the segments: it seals them anew, to the newest key. */
  async #refuseClosed({ serial, routing }: RegisteredTerminal, closed: ClosedEnvelope): Promise<readonly Uint8Array[]> {
    const { statements, mailbox, nowUnixMs } = this.#parts;
    await this.#note(serial, "rewrap", closed.hpkeKey);
    return [statements.rewrap(routing, nowUnixMs(), closed), ...mailbox.collect(routing, 0)];
  }

  /** An envelope of suite paper-2018. Whose it claims to be is not covered by its signature: that fits one terminal's key. */
  async #receivePaperEnvelope(bytes: Uint8Array, seen: Seen): Promise<readonly Uint8Array[]> {
    const envelope = parsePaperEnvelope(bytes);
    const terminal = await this.#claimed(envelope.routing, seen);
    requirePaper(terminal);
    this.#parts.control.requireRoom();
    return this.#storeEnvelope(terminal, openPaperSegments(terminal, envelope), bytes.length);
  }

  /** M2 of suite paper-2018, which anybody can send. */
  async #receivePaperKeyAnswer(bytes: Uint8Array, seen: Seen): Promise<readonly Uint8Array[]> {
    const { routing } = PaperKeyAnswer.decode(bytes);
    const terminal = await this.#claimed(routing, seen);
    return this.#parts.keyChanges.take(terminal, "paper-2018/key-answer", bytes, bytes);
  }

  async #storeEnvelope(
    terminal: RegisteredTerminal,
    { items, refusals: unopened }: OpenedEnvelope,
    sizeBytes: number,
  ): Promise<readonly Uint8Array[]> {
    const { segments, statements, mailbox, keyChanges, copyCount, quota, nowUnixMs } = this.#parts;
    const receivedAtUnixMs = nowUnixMs();
    const takeBack = quota.take(terminal, sizeBytes);
    const outcome = await segments.store(terminal, items, receivedAtUnixMs).catch((error: unknown) => {
      takeBack();
      throw error;
    });
    const { durable, contradictions, erased, refusals: foreign } = outcome;
    const { routing, serial } = terminal;
    const refusals = [...unopened, ...foreign];
    await Promise.all([
      ...refusals.map(({ code }) => this.#note(serial, `rejected ${code}`)),
      ...contradictions.map(({ item: { header }, cause }) =>
        this.#note(serial, `conflict ${cause}`, `${header.recording} ${header.sequence}`),
      ),
      ...erased.map(({ recording }) => this.#note(serial, "erased", recording)),
      this.#noteKeys(terminal, items, outcome.reused),
    ]);
    const erasedWords = await Promise.all(
      erased.map(({ recording, hashes }) => this.#sayErased(terminal, recording, hashes)),
    );
    return [
      ...(durable.length > 0 ? [statements.receipt(routing, receivedAtUnixMs, copyCount, durable)] : []),
      ...contradictions.map((contradiction) => statements.conflict(routing, receivedAtUnixMs, contradiction)),
      ...erasedWords.flat(),
      ...refusals.map((refusal) => statements.rejected(routing, receivedAtUnixMs, refusal)),
      ...mailbox.collect(routing, 0),
      ...keyChanges.letters(serial),
    ];
  }

  /** The signed word that a recording was erased; none when it was not, or is another terminal's. */
  async #sayErased(
    { serial, routing }: RegisteredTerminal,
    recording: RecordingId,
    hashes: readonly Uint8Array[],
  ): Promise<readonly Uint8Array[]> {
    const { recordingKeys, statements } = this.#parts;
    const tombstone = await recordingKeys.findTombstone(recording);
    if (tombstone?.terminal !== serial) return [];
    return [statements.erased(routing, tombstone.erasedAtUnixMs, recording, hashes)];
  }

  /** What an envelope tells of the terminal's keys: how far they are used, and whether one was used twice. */
  async #noteKeys(
    terminal: RegisteredTerminal,
    items: readonly OpenedItem[],
    reused: readonly OpenedItem[],
  ): Promise<void> {
    const { keyChanges, keyWatch } = this.#parts;
    const [twice] = reused;
    if (twice) await keyWatch.alarm(terminal.serial, "repeat", nameOf(twice.header));
    const newest = items.map(({ header }) => header).reduce<JournalledHeader | undefined>(laterUse, undefined);
    if (!newest) return;
    const { cycle, index, use, policyVersion } = newest;
    const next = { cycle, index, use: use + 1 };
    await keyChanges.contact(terminal, { from: "segment", next, version: policyVersion });
  }

  #note(serial: string, code: string, detail?: string): Promise<void> {
    return this.#parts.refusals.note(`terminal ${serial}`, code, detail);
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
    const erased = owner === null ? await this.#sayErased(terminal, recording, [hash]) : [];
    if (erased.length > 0) return erased;
    // What says once more that a place stays empty adds nothing: the first word is kept.
    if (!(await catalog.findGapHash(recording, stream, sequence))) {
      control.requireRoom();
      const copies = await control.store({ kind: STORED_KIND.gap, bytes: bytes.slice() });
      await catalog.keepStatement({ kind: STORED_KIND.gap, hash, copies });
      await catalog.storeGap({ recording, stream, sequence, cause, hash });
    }
    return [statements.receipt(terminal.routing, nowUnixMs(), copyCount, [hash])];
  }

  async #receiveStatus(
    terminal: RegisteredTerminal,
    message: ParsedSigned,
    wait: AnswerWait,
  ): Promise<readonly Uint8Array[]> {
    const { mailbox, keyChanges, statusKeeper } = this.#parts;
    const status = Status.decode(message.payload);
    if (status.routing !== terminal.routing) {
      throw new ServerError("ERR_MESSAGE_REFUSED", "status is another terminal's");
    }
    await statusKeeper.keep(terminal, status);
    const { cycle, index, use, policyVersion: version } = status;
    await keyChanges.contact(terminal, { from: "status", next: { cycle, index, use }, version });
    const now = [...mailbox.collect(terminal.routing, status.mailSeen), ...keyChanges.letters(terminal.serial)];
    if (now.length > 0) return now;
    await mailbox.wait(terminal.routing, wait.waitMs, wait.signal);
    return mailbox.collect(terminal.routing, status.mailSeen);
  }
}

/** The header that was sealed later. */
function laterUse(newest: JournalledHeader | undefined, header: JournalledHeader): JournalledHeader {
  return newest && compareKeyUse(newest, header) >= 0 ? newest : header;
}
