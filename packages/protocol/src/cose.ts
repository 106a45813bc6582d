/**
 * The three COSE messages that Pericard uses, as bytes in and values out: nothing here verifies or decrypts.
 *
 * Source: RFC 9052 §3 to §5; draft-ietf-cose-hpke-25; docs/format.md §3.
 */
import { concatBytes, utf8 } from "./bytes.ts";
import { byteStringHead, decodeCanonical, decodeCbor, encodeCbor, type CborValue } from "./cbor.ts";
import { ProtocolError } from "./errors.ts";
import { readBytesUpTo } from "./fields.ts";
import { PROTECTED_HEADER_BYTES_MAX } from "./limits.ts";

/** Header parameters. Source: IANA COSE header parameters; draft-ietf-cose-hpke-25 §7.2; -70000 is private use. */
export const HEADER = { alg: 1, crit: 2, kid: 4, typ: 16, ek: -4, pskId: -5, pericard: -70000 } as const;

/** Algorithms. Source: RFC 9053 §4.1; RFC 9864 §2.2; draft-ietf-cose-hpke-25 §7.1. */
export const ALGORITHM = { aes256Gcm: 3, ed25519: -19, hpke4KeyEncryption: 50 } as const;

/** A protected header that was decoded from its one deterministic encoding. */
export type HeaderMap = ReadonlyMap<unknown, unknown>;

const TAG_ENCRYPT0 = Uint8Array.of(0xd0);
const TAG_SIGN1 = Uint8Array.of(0xd2);
const TAG_ENCRYPT = Uint8Array.of(0xd8, 0x60);

/** Tag, array of three or four, and the empty unprotected header, as bytes. */
const ENCRYPT0_START = Uint8Array.of(...TAG_ENCRYPT0, 0x83);
const SIGN1_START = Uint8Array.of(...TAG_SIGN1, 0x84);
const EMPTY_MAP = Uint8Array.of(0xa0);

/** COSE_Encrypt0: `ciphertext` ends with the 16-byte tag. */
export interface CoseEncrypt0 {
  readonly protectedBytes: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** COSE_Sign1 with its payload inside. */
export interface CoseSign1 {
  readonly protectedBytes: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** COSE_Encrypt with exactly one HPKE recipient. `encapsulatedKey` is HPKE's enc, `wrappedKey` paper B's K_K. */
export interface CoseEncrypt {
  readonly protectedBytes: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly recipientProtectedBytes: Uint8Array;
  readonly encapsulatedKey: Uint8Array;
  readonly wrappedKey: Uint8Array;
}

function untag(bytes: Uint8Array, tag: Uint8Array, name: string, itemCount: number): readonly unknown[] {
  if (!tag.every((byte, i) => bytes[i] === byte)) {
    throw new ProtocolError("ERR_COSE_STRUCTURE", `${name} does not begin with its tag`);
  }
  const items = decodeCbor(bytes.subarray(tag.length));
  if (!Array.isArray(items) || items.length !== itemCount) {
    throw new ProtocolError("ERR_COSE_STRUCTURE", `${name} is not an array of ${itemCount} items`);
  }
  return items as readonly unknown[];
}

function requireBytes(name: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new ProtocolError("ERR_COSE_STRUCTURE", `${name} is not a byte string`);
}

function requireEmptyMap(name: string, value: unknown): void {
  if (!(value instanceof Map) || value.size > 0) {
    throw new ProtocolError("ERR_COSE_STRUCTURE", `${name} has unprotected header parameters`);
  }
}

/** A byte string as its head and itself, to be copied once. */
const bstr = (bytes: Uint8Array): readonly [Uint8Array, Uint8Array] => [byteStringHead(bytes.length), bytes];

/** The bytes of a COSE_Encrypt0, tagged 16. */
export function encodeEncrypt0({ protectedBytes, ciphertext }: CoseEncrypt0): Uint8Array {
  return concatBytes(encodeEncrypt0Start(protectedBytes, ciphertext.length), ciphertext);
}

/** The bytes of a COSE_Encrypt0 before its ciphertext: for a writer that encrypts to where the ciphertext shall lie. */
export function encodeEncrypt0Start(protectedBytes: Uint8Array, ciphertextBytes: number): Uint8Array {
  return concatBytes(ENCRYPT0_START, ...bstr(protectedBytes), EMPTY_MAP, byteStringHead(ciphertextBytes));
}

/** @throws {ProtocolError} ERR_COSE_STRUCTURE or ERR_CBOR_MALFORMED when the bytes are not a tagged COSE_Encrypt0. */
export function decodeEncrypt0(bytes: Uint8Array): CoseEncrypt0 {
  const [protectedBytes, unprotected, ciphertext] = untag(bytes, TAG_ENCRYPT0, "encrypt0", 3);
  requireEmptyMap("encrypt0", unprotected);
  return {
    protectedBytes: requireBytes("protected header", protectedBytes),
    ciphertext: requireBytes("ciphertext", ciphertext),
  };
}

/** The bytes of a COSE_Sign1, tagged 18. */
export function encodeSign1(message: CoseSign1): Uint8Array {
  const { protectedBytes, payload, signature } = message;
  return concatBytes(SIGN1_START, ...bstr(protectedBytes), EMPTY_MAP, ...bstr(payload), ...bstr(signature));
}

/** @throws {ProtocolError} ERR_COSE_STRUCTURE or ERR_CBOR_MALFORMED when the bytes are not a tagged COSE_Sign1. */
export function decodeSign1(bytes: Uint8Array): CoseSign1 {
  const [protectedBytes, unprotected, payload, signature] = untag(bytes, TAG_SIGN1, "sign1", 4);
  requireEmptyMap("sign1", unprotected);
  return {
    protectedBytes: requireBytes("protected header", protectedBytes),
    payload: requireBytes("payload", payload),
    signature: requireBytes("signature", signature),
  };
}

/** The bytes of a COSE_Encrypt, tagged 96, with its one HPKE recipient. */
export function encodeEncrypt(message: CoseEncrypt): Uint8Array {
  const recipient: CborValue = [
    message.recipientProtectedBytes,
    new Map([[HEADER.ek, message.encapsulatedKey]]),
    message.wrappedKey,
  ];
  return concatBytes(TAG_ENCRYPT, encodeCbor([message.protectedBytes, new Map(), message.ciphertext, [recipient]]));
}

/** @throws {ProtocolError} ERR_COSE_STRUCTURE or ERR_CBOR_MALFORMED when the bytes are not a tagged COSE_Encrypt with one recipient. */
export function decodeEncrypt(bytes: Uint8Array): CoseEncrypt {
  const [protectedBytes, unprotected, ciphertext, recipients] = untag(bytes, TAG_ENCRYPT, "encrypt", 4);
  requireEmptyMap("encrypt", unprotected);
  const recipient: unknown = Array.isArray(recipients) && recipients.length === 1 ? recipients[0] : undefined;
  if (!Array.isArray(recipient) || recipient.length !== 3) {
    throw new ProtocolError("ERR_COSE_STRUCTURE", "encrypt does not have one recipient of 3 items");
  }
  const [recipientProtectedBytes, recipientUnprotected, wrappedKey] = recipient as readonly unknown[];
  if (!(recipientUnprotected instanceof Map) || recipientUnprotected.size !== 1) {
    throw new ProtocolError("ERR_COSE_STRUCTURE", "recipient does not have the encapsulated key alone");
  }
  return {
    protectedBytes: requireBytes("protected header", protectedBytes),
    ciphertext: requireBytes("ciphertext", ciphertext),
    recipientProtectedBytes: requireBytes("recipient protected header", recipientProtectedBytes),
    encapsulatedKey: requireBytes("encapsulated key", recipientUnprotected.get(HEADER.ek)),
    wrappedKey: requireBytes("wrapped key", wrappedKey),
  };
}

/**
 * Reads a protected header that has exactly the wanted parameters and the wanted algorithm.
 *
 * @throws {ProtocolError} ERR_HEADER_MALFORMED when a parameter is missing or strange, ERR_ALGORITHM_REFUSED when the
 * algorithm is another, ERR_LENGTH_LIMIT when the header is longer than allowed.
 */
export function decodeHeader(protectedBytes: Uint8Array, algorithm: number, labels: readonly number[]): HeaderMap {
  const map = decodeCanonical(protectedBytes, PROTECTED_HEADER_BYTES_MAX);
  if (!(map instanceof Map)) throw new ProtocolError("ERR_HEADER_MALFORMED", "protected header is not a map");
  if (map.get(HEADER.alg) !== algorithm) {
    throw new ProtocolError("ERR_ALGORITHM_REFUSED", `protected header does not name algorithm ${algorithm}`);
  }
  if (map.size !== labels.length + 1 || !labels.every((label) => map.has(label))) {
    throw new ProtocolError("ERR_HEADER_MALFORMED", `protected header does not have exactly ${labels.join(", ")}`);
  }
  return map;
}

/** The protected header of a structure whose fields are the private parameter, marked critical. Source: RFC 9052 §3.1. */
export function encodePericardHeader(algorithm: number, fields: readonly CborValue[]): Uint8Array {
  return encodeCbor(
    new Map<number, CborValue>([
      [HEADER.alg, algorithm],
      [HEADER.crit, [HEADER.pericard]],
      [HEADER.pericard, fields],
    ]),
  );
}

/** The fields that {@link encodePericardHeader} wrote. @throws {ProtocolError} as {@link decodeHeader}. */
export function decodePericardHeader(protectedBytes: Uint8Array, algorithm: number): unknown {
  const map = decodeHeader(protectedBytes, algorithm, [HEADER.crit, HEADER.pericard]);
  const critical = map.get(HEADER.crit);
  if (!Array.isArray(critical) || critical.length !== 1 || critical[0] !== HEADER.pericard) {
    throw new ProtocolError("ERR_HEADER_MALFORMED", "protected header does not mark its fields critical");
  }
  return map.get(HEADER.pericard);
}

/** What an AEAD authenticates beside the ciphertext. Source: RFC 9052 §5.3. */
export function encStructure(
  context: "Encrypt0" | "Encrypt",
  protectedBytes: Uint8Array,
  externalAad: string,
): Uint8Array {
  return encodeCbor([context, protectedBytes, utf8(externalAad)]);
}

/** What a signature covers. Source: RFC 9052 §4.4. */
export function sigStructure(protectedBytes: Uint8Array, externalAad: string, payload: Uint8Array): Uint8Array {
  return encodeCbor(["Signature1", protectedBytes, utf8(externalAad), payload]);
}

/** HPKE's info for a recipient. Source: draft-ietf-cose-hpke-25 §3.3.1. */
export function recipientStructure(recipientProtectedBytes: Uint8Array, extraInfo: Uint8Array): Uint8Array {
  return encodeCbor(["HPKE Recipient", ALGORITHM.aes256Gcm, recipientProtectedBytes, extraInfo]);
}

/** A byte string of a header. @throws {ProtocolError} ERR_FIELD_RANGE when it is not one of at most `sizeBytesMax` bytes. */
export function headerBytes(map: HeaderMap, label: number, sizeBytesMax: number): Uint8Array {
  return readBytesUpTo(`header parameter ${label}`, map.get(label), sizeBytesMax);
}
