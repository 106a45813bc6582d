/**
 * From an envelope of suite paper-2018 to opened segments.
 *
 * Its ids, its index and its codec are covered by no signature. What fails before the segments are read may therefore be
 * anybody's doing: it is refused on the path, and no signed statement says it, since a statement makes a terminal act.
 *
 * Source: paper B §4 step 5, as corrected in docs/papers.md; docs/format-paper-2018.md §5.
 */
import { CryptoError, openPaperEnvelope, openPaperSegment, sha256, verifyPaperEnvelope } from "@pericard/crypto";
import { BYTE_CODECS, EcgError } from "@pericard/ecg";
import {
  decodePaperContent,
  encodeSegmentBody,
  PAPER_CONTENT_BYTES_MAX,
  parsePaperSegment,
  ProtocolError,
  type PaperEnvelope,
} from "@pericard/protocol";
import { codeOf, ServerError } from "../errors.ts";
import type { PaperPeer } from "../keys/paper-peer.ts";
import type { RegisteredTerminal } from "../keys/terminals.ts";
import { openEach, requireOwn, type OpenedEnvelope, type OpenedItem } from "./open-segments.ts";

/** What Data_i of a data package names as its codec: what lay between the two encryptions is undone. */
const STORED_CODEC = "raw";

/** The suite's keys of a terminal. @throws {ServerError} ERR_SUITE_REFUSED when it is registered for pericard-1. */
export function requirePaper({ serial, paper }: RegisteredTerminal): PaperPeer {
  if (paper) return paper;
  throw new ServerError("ERR_SUITE_REFUSED", `terminal ${serial} is not registered for suite paper-2018`);
}

/**
 * Verifies and opens an envelope.
 *
 * @throws {ServerError} ERR_SUITE_REFUSED when the terminal is of another suite, ERR_SIGNATURE_INVALID, ERR_MESSAGE_REFUSED
 * when the envelope does not open.
 */
export function openPaperSegments(terminal: RegisteredTerminal, envelope: PaperEnvelope): OpenedEnvelope {
  const peer = requirePaper(terminal);
  verifySource(peer, envelope);
  return openEach(openContent(peer, envelope), (sealed) => openItem(terminal, peer, sealed));
}

function verifySource(peer: PaperPeer, envelope: PaperEnvelope): void {
  try {
    verifyPaperEnvelope(peer.leave, peer.verifyKey, envelope);
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    throw new ServerError("ERR_SIGNATURE_INVALID", "signature is not the terminal's", { cause });
  }
}

function openContent(peer: PaperPeer, envelope: PaperEnvelope): readonly Uint8Array[] {
  try {
    const keys = { recipient: peer.recipient, transportKey: peer.transportKey(envelope.index) };
    const encoded = openPaperEnvelope(peer.leave, keys, envelope);
    return decodePaperContent(BYTE_CODECS[envelope.codec].decode(encoded, PAPER_CONTENT_BYTES_MAX));
  } catch (cause) {
    const isRefusal = cause instanceof CryptoError || cause instanceof EcgError || cause instanceof ProtocolError;
    if (!isRefusal) throw cause;
    throw new ServerError("ERR_MESSAGE_REFUSED", `envelope does not open: ${codeOf(cause)}`, { cause });
  }
}

function openItem(terminal: RegisteredTerminal, peer: PaperPeer, sealed: Uint8Array): OpenedItem {
  const segment = parsePaperSegment(sealed);
  const { header, descriptor } = segment;
  requireOwn(terminal, header);
  const encoded = openPaperSegment(peer.leave, peer.storageKey(header.index), segment);
  const plain = encodeSegmentBody({ descriptor, codec: STORED_CODEC, digest: sha256(encoded), encoded });
  return { hash: sha256(sealed), header, descriptor, codec: STORED_CODEC, plain };
}
