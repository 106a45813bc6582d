/** What a gateway reads of a message: its form, its type and the routing id. Nothing of it is verified or opened. */
import {
  isPaperEnvelope,
  isPaperKeyMessage,
  PaperKeyAnswer,
  parseEnvelope,
  parsePaperEnvelope,
  parseSigned,
  ProtocolError,
  RoutingId,
  TERMINAL_SIGNED_TYPES,
  toHex,
  type ParsedSigned,
  type TerminalSignedType,
} from "@pericard/protocol";
import { GatewayError } from "./errors.ts";

/** A message in the form that a terminal signs. Whether the terminal signed it, the storage server finds out. */
export interface ClientMessage {
  readonly type: TerminalSignedType;
  readonly routing: RoutingId;
  /**
   * Last 16 bytes of the signature, in hexadecimal: the same for the same bytes, since Ed25519 and RSA as it is used are deterministic, and
   * not to be guessed by who has not seen the message. Of a key answer of suite paper-2018, which has none: of B.
   */
  readonly fingerprint: string;
  readonly bytes: Uint8Array;
}

function terminalType(message: ParsedSigned): TerminalSignedType {
  const type = TERMINAL_SIGNED_TYPES.find((candidate) => candidate === message.type);
  if (type) return type;
  throw new ProtocolError("ERR_TYPE_MISMATCH", `message of type ${message.type} does not come from a terminal`);
}

function requireRouting(message: ParsedSigned, routing: RoutingId): void {
  if (parseEnvelope(message.payload).header.routing === routing) return;
  throw new GatewayError("ERR_ROUTING_MISMATCH", "envelope names another routing id than its signature");
}

/**
 * Reads a message as a client sent it; `bytes` is kept, not copied.
 *
 * @throws {ProtocolError} with the code of what is malformed; ERR_TYPE_MISMATCH when a terminal does not sign this type.
 * @throws {GatewayError} ERR_ROUTING_MISMATCH when an envelope is signed under another routing id than it names.
 * Source: docs/format.md §3.3, §6; docs/format-paper-2018.md §5, §7.
 */
export function readClientMessage(bytes: Uint8Array): ClientMessage {
  if (isPaperEnvelope(bytes)) return readPaperEnvelope(bytes);
  if (isPaperKeyMessage(bytes)) return readPaperKeyAnswer(bytes);
  const message = parseSigned(bytes);
  const type = terminalType(message);
  const routing = RoutingId.fromBytes(message.keyIdBytes);
  if (type === "pericard/envelope") requireRouting(message, routing);
  return { type, routing, fingerprint: toHex(message.signature.subarray(-16)), bytes };
}

/** An envelope of suite paper-2018, which names its routing id once. */
function readPaperEnvelope(bytes: Uint8Array): ClientMessage {
  const { routing, signature } = parsePaperEnvelope(bytes);
  return { type: "pericard/envelope", routing, fingerprint: toHex(signature.subarray(-16)), bytes };
}

/** M2 of a key change of suite paper-2018. A terminal sends no other message of this form. */
function readPaperKeyAnswer(bytes: Uint8Array): ClientMessage {
  const { routing, publicKey } = PaperKeyAnswer.decode(bytes);
  return { type: "pericard/key-answer", routing, fingerprint: toHex(publicKey.subarray(-16)), bytes };
}
