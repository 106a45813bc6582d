/**
 * From an envelope to opened segments: verify the source, open K_K and C, open and check each segment.
 *
 * Source: paper B §4 step 5, as corrected in docs/papers.md; docs/format.md §5, §6.
 */
import {
  CryptoError,
  openEnvelope,
  openSegment,
  sha256,
  type HpkeKeyPair,
  type OpenedEnvelope as EnvelopeContent,
} from "@pericard/crypto";
import {
  parseEnvelope,
  parseSegment,
  ProtocolError,
  releaseBytes,
  RoutingId,
  STREAMS_PER_RECORDING,
  type CodecName,
  type EnvelopeId,
  type KeyId,
  type ParsedEnvelope,
  type ParsedSigned,
  type JournalledHeader,
  type SegmentDescriptor,
} from "@pericard/protocol";
import { ServerError } from "../errors.ts";
import type { RegisteredTerminal } from "../keys/terminals.ts";

/** One segment that was opened and checked. `plain` is the Data_i of a data package. */
export interface OpenedItem {
  readonly hash: Uint8Array;
  readonly header: JournalledHeader;
  readonly descriptor: SegmentDescriptor;
  readonly codec: CodecName;
  readonly plain: Uint8Array;
}

/** A segment, or with `envelope` a whole envelope, that can never be taken. */
export interface Refusal {
  readonly code: string;
  readonly hash: Uint8Array | null;
  readonly envelope: EnvelopeId | null;
}

export interface OpenedEnvelope {
  readonly items: readonly OpenedItem[];
  readonly refusals: readonly Refusal[];
}

/** An envelope that is sealed to a key that is not here any more. */
export interface ClosedEnvelope {
  readonly envelope: EnvelopeId;
  readonly hpkeKey: KeyId;
}

/** HPKE keys of the server that were not destroyed. */
export interface HpkeKeys {
  findHpkePair(keyId: KeyId): HpkeKeyPair | undefined;
}

/** What became of an envelope: it was opened, or its key is gone. */
export type OpeningOutcome = { readonly hpkeKey: KeyId } & (
  | { readonly opened: OpenedEnvelope; readonly closed: undefined }
  | { readonly opened: undefined; readonly closed: ClosedEnvelope }
);

/** The code of a refusal; an error that is none of ours is a defect and goes on. */
function refusalCode(error: unknown): string {
  if (error instanceof ProtocolError || error instanceof CryptoError || error instanceof ServerError) return error.code;
  throw error;
}

/** @throws {ServerError} ERR_MESSAGE_REFUSED when a segment says that it is another terminal's, or of a stream that is not kept. */
export function requireOwn(terminal: RegisteredTerminal, header: JournalledHeader): void {
  if (header.terminal !== terminal.serial || header.tenant !== terminal.tenant) {
    throw new ServerError("ERR_MESSAGE_REFUSED", "segment is another terminal's");
  }
  // A bound on what one recording can make of rows and of every look at it.
  if (header.stream >= STREAMS_PER_RECORDING) {
    throw new ServerError("ERR_MESSAGE_REFUSED", `stream ${header.stream} is not one of ${STREAMS_PER_RECORDING}`);
  }
}

function openItem(terminal: RegisteredTerminal, bytes: Uint8Array): OpenedItem {
  const parsed = parseSegment(bytes);
  requireOwn(terminal, parsed.header);
  const { cycle, index } = parsed.header;
  const { plain, body } = openSegment(terminal.groupKey("storage", cycle, index), parsed);
  return { hash: sha256(bytes), header: parsed.header, descriptor: body.descriptor, codec: body.codec, plain };
}

function openContent(terminal: RegisteredTerminal, recipient: HpkeKeyPair, envelope: ParsedEnvelope): EnvelopeContent {
  const { cycle, index } = envelope.recipient;
  return openEnvelope(recipient, terminal.groupKey("transport", cycle, index), envelope);
}

/**
 * Opens an envelope whose signature was verified.
 *
 * @throws {ProtocolError} when it is not an envelope at all, or {ServerError} ERR_MESSAGE_REFUSED when it names another
 * routing id than its signature.
 */
export function openSegments(terminal: RegisteredTerminal, keys: HpkeKeys, message: ParsedSigned): OpeningOutcome {
  const envelope = parseEnvelope(message.payload);
  if (envelope.header.routing !== RoutingId.fromBytes(message.keyIdBytes)) {
    throw new ServerError("ERR_MESSAGE_REFUSED", "envelope names another routing id than its signature");
  }
  const { hpkeKey } = envelope.recipient;
  const recipient = keys.findHpkePair(hpkeKey);
  if (recipient) return { opened: openWith(terminal, recipient, envelope), closed: undefined, hpkeKey };
  return { opened: undefined, closed: { envelope: envelope.header.envelope, hpkeKey }, hpkeKey };
}

function openWith(terminal: RegisteredTerminal, recipient: HpkeKeyPair, envelope: ParsedEnvelope): OpenedEnvelope {
  let opened: EnvelopeContent;
  try {
    opened = openContent(terminal, recipient, envelope);
  } catch (error) {
    return { items: [], refusals: [{ code: refusalCode(error), hash: null, envelope: envelope.header.envelope }] };
  }
  const outcome = openEach(opened.segments, (bytes) => openItem(terminal, bytes));
  releaseBytes(opened.content);
  return outcome;
}

/** Opens segments one by one: one that is refused does not touch the others. */
export function openEach(sealed: readonly Uint8Array[], openOne: (bytes: Uint8Array) => OpenedItem): OpenedEnvelope {
  const items: OpenedItem[] = [];
  const refusals: Refusal[] = [];
  for (const bytes of sealed) {
    try {
      items.push(openOne(bytes));
    } catch (error) {
      refusals.push({ code: refusalCode(error), hash: sha256(bytes), envelope: null });
    }
  }
  return { items, refusals };
}
