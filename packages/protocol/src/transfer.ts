/**
 * Transfers: registrations and key blocks of terminals on their way from a factory to the server that its intake is of.
 *
 * Source: docs/format.md §12.6.
 */
import { decodeCanonical, encodeCbor, type CborValue } from "./cbor.ts";
import { ALGORITHM, decodeEncrypt, decodeHeader, decodePericardHeader, encodePericardHeader, HEADER } from "./cose.ts";
import { readArray, readBytes, readInt, readTuple, readUint32 } from "./fields.ts";
import { IntakeId, KeyId, RoutingId, TenantId, TerminalId } from "./ids.ts";
import {
  KEYS_PER_BLOCK,
  TERMINALS_PER_TRANSFER_MAX,
  TRANSFER_BYTES_MAX,
  TRANSFER_ITEMS_MAX,
  UINT32_MAX,
} from "./limits.ts";
import { readPericardSuite, type SUITE } from "./suites.ts";

/** What stands outside of the seal. */
export interface TransferHeader {
  readonly suite: typeof SUITE.pericard1;
  readonly intake: IntakeId;
  /** The factory counts its transfers from 1. */
  readonly transferNumber: number;
  /** Ed25519, 32 bytes: the key that signs. A reader believes it only when its operator accepted it. */
  readonly factoryKey: Uint8Array;
  /** 32 bytes that bind the ciphertext to one content key. */
  readonly commitment: Uint8Array;
}

/** One deployed terminal. */
export interface TransferredTerminal {
  readonly serial: TerminalId;
  readonly routing: RoutingId;
  /** Index of the block in the factory's master sequence. */
  readonly blockIndex: number;
  /** 960 bytes. */
  readonly block: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly signPublicKey: Uint8Array;
  /** X25519, 32 bytes. */
  readonly agreePublicKey: Uint8Array;
  /** 32 random bytes that the module was asked, and its answer. Source: docs/format.md §4.2. */
  readonly challenge: Uint8Array;
  readonly answer: Uint8Array;
}

/** What is inside of the seal. */
export interface TransferContent {
  readonly tenant: TenantId;
  /** 1 to 1,000. */
  readonly terminals: readonly TransferredTerminal[];
}

/** A transfer's COSE_Encrypt taken apart, nothing of it verified. */
export interface ParsedTransfer {
  readonly header: TransferHeader;
  /** Key id of the intake's key. */
  readonly intakeKey: KeyId;
  readonly protectedBytes: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly recipientProtectedBytes: Uint8Array;
  readonly encapsulatedKey: Uint8Array;
  readonly wrappedKey: Uint8Array;
}

const KEY_BLOCK_BYTES = 8 * KEYS_PER_BLOCK;

/** The deterministic bytes of the protected header. @throws {ProtocolError} as {@link parseTransfer}. */
export function encodeTransferHeader(header: TransferHeader): Uint8Array {
  const { suite, intake, transferNumber, factoryKey, commitment } = header;
  const fields = [suite, IntakeId.toBytes(intake), transferNumber, factoryKey, commitment];
  readTransferHeader(fields);
  return encodePericardHeader(ALGORITHM.aes256Gcm, fields);
}

function readTransferHeader(value: unknown): TransferHeader {
  const fields = readTuple("transfer header", value, 5);
  return {
    suite: readPericardSuite(fields[0]),
    intake: IntakeId.fromBytes(fields[1]),
    transferNumber: readInt("transfer number", fields[2], 1, UINT32_MAX),
    factoryKey: readBytes("factory key", fields[3], 32),
    commitment: readBytes("commitment", fields[4], 32),
  };
}

/** The deterministic bytes of the recipient's protected header: the base mode of HPKE, so without psk_id. */
export function encodeTransferRecipient(intakeKey: KeyId): Uint8Array {
  return encodeCbor(
    new Map<number, CborValue>([
      [HEADER.alg, ALGORITHM.hpke4KeyEncryption],
      [HEADER.kid, KeyId.toBytes(intakeKey)],
    ]),
  );
}

/** Takes the payload of a transfer's COSE_Sign1 apart. @throws {ProtocolError} with the code of what is wrong. */
export function parseTransfer(payload: Uint8Array): ParsedTransfer {
  const message = decodeEncrypt(payload);
  const header = readTransferHeader(decodePericardHeader(message.protectedBytes, ALGORITHM.aes256Gcm));
  const recipient = decodeHeader(message.recipientProtectedBytes, ALGORITHM.hpke4KeyEncryption, [HEADER.kid]);
  return {
    header,
    intakeKey: KeyId.fromBytes(recipient.get(HEADER.kid)),
    protectedBytes: message.protectedBytes,
    ciphertext: message.ciphertext,
    recipientProtectedBytes: message.recipientProtectedBytes,
    encapsulatedKey: readBytes("encapsulated key", message.encapsulatedKey, 32),
    wrappedKey: readBytes("wrapped key", message.wrappedKey, 48),
  };
}

/** The plaintext of a transfer. It holds key blocks. @throws {ProtocolError} as {@link decodeTransferContent}. */
export function encodeTransferContent({ tenant, terminals }: TransferContent): Uint8Array {
  const fields = [TenantId.toBytes(tenant), terminals.map(encodeTerminal)];
  readContent(fields);
  return encodeCbor(fields);
}

function encodeTerminal(terminal: TransferredTerminal): CborValue {
  const { serial, routing, blockIndex, block, signPublicKey, agreePublicKey, challenge, answer } = terminal;
  const ids = [TerminalId.toBytes(serial), RoutingId.toBytes(routing)];
  return [...ids, blockIndex, block, signPublicKey, agreePublicKey, challenge, answer];
}

/** @throws {ProtocolError} ERR_LENGTH_LIMIT, ERR_CBOR_MALFORMED or ERR_FIELD_RANGE. */
export function decodeTransferContent(content: Uint8Array): TransferContent {
  return readContent(decodeCanonical(content, TRANSFER_BYTES_MAX, TRANSFER_ITEMS_MAX));
}

function readContent(value: unknown): TransferContent {
  const [tenant, terminals] = readTuple("transfer", value, 2);
  return {
    tenant: TenantId.fromBytes(tenant),
    terminals: readArray("terminals", terminals, 1, TERMINALS_PER_TRANSFER_MAX).map(readTerminal),
  };
}

function readTerminal(value: unknown): TransferredTerminal {
  const fields = readTuple("terminal", value, 8);
  return {
    serial: TerminalId.fromBytes(fields[0]),
    routing: RoutingId.fromBytes(fields[1]),
    blockIndex: readUint32("block index", fields[2]),
    block: readBytes("key block", fields[3], KEY_BLOCK_BYTES),
    signPublicKey: readBytes("sign public key", fields[4], 32),
    agreePublicKey: readBytes("agree public key", fields[5], 32),
    challenge: readBytes("challenge", fields[6], 32),
    answer: readBytes("answer", fields[7], 32),
  };
}
