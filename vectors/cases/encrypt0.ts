/** COSE_Encrypt0 messages written literally, so that each part can be another. Source: docs/format.md §3, §4.3. */
import { aeadSeal } from "@pericard/crypto";
import { concatBytes, utf8 } from "@pericard/protocol";
import { array, bytes, head, int, map, text } from "./cbor-writer.ts";
import type { Refusal } from "./edit.ts";

export const TAG_ENCRYPT0 = Uint8Array.of(0xd0);
export const EMPTY_MAP = Uint8Array.of(0xa0);
const ALG = int(1);
const CRIT = int(2);
const PERICARD = int(-70_000);
const A256GCM = int(3);

/** The protected header of a structure of fields that are encoded already. */
export function pericardHeader(fields: readonly Uint8Array[]): Uint8Array {
  return headerOf(array(fields));
}

function headerOf(value: Uint8Array): Uint8Array {
  return map([
    [ALG, A256GCM],
    [CRIT, array([PERICARD])],
    [PERICARD, value],
  ]);
}

/** How one message is sealed. */
export interface Sealing {
  readonly key: Uint8Array;
  readonly type: string;
  readonly plain: Uint8Array;
  readonly nonce?: Uint8Array;
}

/** Ciphertext and tag under the protected header that is given. */
export function sealUnder(header: Uint8Array, { key, type, plain, nonce }: Sealing): Uint8Array {
  const aad = array([text("Encrypt0"), bytes(header), bytes(utf8(type))]);
  return aeadSeal("aes-256-gcm", key, aad, plain, nonce);
}

/** A tagged COSE_Encrypt0. */
export function encrypt0(header: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return concatBytes(TAG_ENCRYPT0, array([bytes(header), EMPTY_MAP, bytes(ciphertext)]));
}

/** The message sealed under a header. */
export function sealedMessage(header: Uint8Array, sealing: Sealing): Uint8Array {
  return encrypt0(header, sealUnder(header, sealing));
}

/** Headers that hold the right fields in a wrong way; every message is sealed under the header that it has. */
export function headerRefusals(fields: readonly Uint8Array[], sealing: Sealing): readonly Refusal[] {
  const good = pericardHeader(fields);
  const value = array(fields);
  const alg = [ALG, A256GCM] as const;
  const crit = [CRIT, array([PERICARD])] as const;
  const own = [PERICARD, value] as const;
  const sealed = (header: Uint8Array) => sealedMessage(header, sealing);
  return [
    ["header is empty", sealed(new Uint8Array(0)), "ERR_CBOR_MALFORMED"],
    ["header is an array", sealed(array([value])), "ERR_HEADER_MALFORMED"],
    ["header has a trailing byte", sealed(concatBytes(good, Uint8Array.of(0))), "ERR_CBOR_MALFORMED"],
    ["header map is in another order", sealed(map([alg, own, crit])), "ERR_CBOR_MALFORMED"],
    ["header repeats a parameter", sealed(map([alg, alg, crit, own])), "ERR_CBOR_MALFORMED"],
    ["header writes an integer longer than needed", sealed(map([[ALG, int(3, 1)], crit, own])), "ERR_CBOR_MALFORMED"],
    ["header map has indefinite length", sealed(indefiniteMap([alg, crit, own])), "ERR_CBOR_MALFORMED"],
    ["header has no algorithm", sealed(map([crit, own])), "ERR_ALGORITHM_REFUSED"],
    ["header names aes-128-gcm", sealed(map([[ALG, int(1)], crit, own])), "ERR_ALGORITHM_REFUSED"],
    ["header names chacha20-poly1305", sealed(map([[ALG, int(24)], crit, own])), "ERR_ALGORITHM_REFUSED"],
    ["header names its algorithm as text", sealed(map([[ALG, text("A256GCM")], crit, own])), "ERR_ALGORITHM_REFUSED"],
    ["header has no crit", sealed(map([alg, own])), "ERR_HEADER_MALFORMED"],
    ["header has an empty crit", sealed(map([alg, [CRIT, array([])], own])), "ERR_HEADER_MALFORMED"],
    [
      "header marks another parameter critical",
      sealed(map([alg, [CRIT, array([int(4)])], own])),
      "ERR_HEADER_MALFORMED",
    ],
    [
      "header marks a second parameter critical",
      sealed(map([alg, [CRIT, array([PERICARD, int(4)])], own])),
      "ERR_HEADER_MALFORMED",
    ],
    ["header has no fields", sealed(map([alg, crit])), "ERR_HEADER_MALFORMED"],
    ["header has its fields at another label", sealed(map([alg, crit, [int(-70_001), value]])), "ERR_HEADER_MALFORMED"],
    ["header has a key id too", sealed(map([alg, crit, [int(4), bytes(utf8("k"))], own])), "ERR_HEADER_MALFORMED"],
    [
      "header has a nonce too",
      sealed(map([alg, crit, [int(5), bytes(new Uint8Array(12))], own])),
      "ERR_HEADER_MALFORMED",
    ],
    ["header fields are a map", sealed(headerOf(map([[int(0), value]]))), "ERR_FIELD_RANGE"],
    ["header has one field less", sealed(pericardHeader(fields.slice(0, -1))), "ERR_FIELD_RANGE"],
    ["header has one field more", sealed(pericardHeader([...fields, int(0)])), "ERR_FIELD_RANGE"],
    ["header array claims more fields than it has", sealed(claimingHeader(fields)), "ERR_CBOR_MALFORMED"],
  ];
}

function indefiniteMap(entries: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  return concatBytes(Uint8Array.of(0xbf), ...entries.flat(), Uint8Array.of(0xff));
}

function claimingHeader(fields: readonly Uint8Array[]): Uint8Array {
  const value = concatBytes(head(4, 2n ** 32n - 1n), ...fields);
  return concatBytes(head(5, 3), ALG, A256GCM, CRIT, array([PERICARD]), PERICARD, value);
}

/** Messages around a right header and ciphertext, in a wrong way. */
export function outerRefusals(header: Uint8Array, ciphertext: Uint8Array): readonly Refusal[] {
  const items = [bytes(header), EMPTY_MAP, bytes(ciphertext)] as const;
  const [protectedItem, , ciphertextItem] = items;
  const good = encrypt0(header, ciphertext);
  const tagged = (body: Uint8Array) => concatBytes(TAG_ENCRYPT0, body);
  const kid = map([[int(4), bytes(utf8("k"))]]);
  return [
    ["message is empty", new Uint8Array(0), "ERR_COSE_STRUCTURE"],
    ["message has no tag", good.slice(1), "ERR_COSE_STRUCTURE"],
    ["message has the tag of sign1", concatBytes(Uint8Array.of(0xd2), good.slice(1)), "ERR_COSE_STRUCTURE"],
    [
      "message writes its tag longer than needed",
      concatBytes(Uint8Array.of(0xd8, 16), good.slice(1)),
      "ERR_COSE_STRUCTURE",
    ],
    ["message is tagged twice", concatBytes(TAG_ENCRYPT0, good), "ERR_CBOR_MALFORMED"],
    [
      "message is tagged as self-described cbor",
      concatBytes(Uint8Array.of(0xd9, 0xd9, 0xf7), good),
      "ERR_COSE_STRUCTURE",
    ],
    ["message is a map", tagged(map([[int(0), array([...items])]])), "ERR_COSE_STRUCTURE"],
    ["message has two items", tagged(array([protectedItem, ciphertextItem])), "ERR_COSE_STRUCTURE"],
    ["message has four items", tagged(array([...items, array([])])), "ERR_COSE_STRUCTURE"],
    [
      "message array has indefinite length",
      tagged(concatBytes(Uint8Array.of(0x9f), ...items, Uint8Array.of(0xff))),
      "ERR_CBOR_MALFORMED",
    ],
    ["message array length is written longer than needed", tagged(array([...items], 1)), "ERR_CBOR_MALFORMED"],
    ["message has a trailing byte", concatBytes(good, Uint8Array.of(0)), "ERR_CBOR_MALFORMED"],
    ["message is sent twice in one", concatBytes(good, good), "ERR_CBOR_MALFORMED"],
    ["protected header is text", tagged(array([text("h"), EMPTY_MAP, ciphertextItem])), "ERR_COSE_STRUCTURE"],
    ["protected header is a map", tagged(array([header, EMPTY_MAP, ciphertextItem])), "ERR_COSE_STRUCTURE"],
    [
      "protected header has indefinite length",
      tagged(array([concatBytes(Uint8Array.of(0x5f), protectedItem, Uint8Array.of(0xff)), EMPTY_MAP, ciphertextItem])),
      "ERR_CBOR_MALFORMED",
    ],
    [
      "protected header claims 2^32 bytes",
      tagged(concatBytes(head(4, 3), head(2, 2n ** 32n), header)),
      "ERR_CBOR_MALFORMED",
    ],
    [
      "protected header claims 2^63 bytes",
      tagged(concatBytes(head(4, 3), head(2, 2n ** 63n), header)),
      "ERR_CBOR_MALFORMED",
    ],
    ["unprotected header is present", tagged(array([protectedItem, kid, ciphertextItem])), "ERR_COSE_STRUCTURE"],
    ["unprotected header is null", tagged(array([protectedItem, head(7, 22), ciphertextItem])), "ERR_COSE_STRUCTURE"],
    [
      "unprotected header is an empty array",
      tagged(array([protectedItem, array([]), ciphertextItem])),
      "ERR_COSE_STRUCTURE",
    ],
    ["ciphertext is detached", tagged(array([protectedItem, EMPTY_MAP, head(7, 22)])), "ERR_COSE_STRUCTURE"],
    ["ciphertext is text", tagged(array([protectedItem, EMPTY_MAP, text("c")])), "ERR_COSE_STRUCTURE"],
    [
      "ciphertext length is written longer than needed",
      tagged(array([protectedItem, EMPTY_MAP, bytes(ciphertext, 4)])),
      "ERR_CBOR_MALFORMED",
    ],
    ["ciphertext is empty", encrypt0(header, new Uint8Array(0)), "ERR_SEAL_BROKEN"],
    ["ciphertext is shorter than a tag", encrypt0(header, ciphertext.slice(0, 15)), "ERR_SEAL_BROKEN"],
    ["ciphertext has lost four bytes of its tag", encrypt0(header, ciphertext.slice(0, -4)), "ERR_SEAL_BROKEN"],
    ["ciphertext has lost its first byte", encrypt0(header, ciphertext.slice(1)), "ERR_SEAL_BROKEN"],
    ["ciphertext has a byte more", encrypt0(header, concatBytes(ciphertext, Uint8Array.of(0))), "ERR_SEAL_BROKEN"],
    ...truncations(good, [
      ["after its tag", 1],
      ["after the array's head", 2],
      ["in the protected header's length", 3],
      ["in the protected header", 40],
      ["after the protected header", 2 + protectedItem.length],
      ["after the unprotected header", 3 + protectedItem.length],
      ["in the ciphertext's length", 4 + protectedItem.length],
      ["in the ciphertext", good.length - 20],
      ["before its last byte", good.length - 1],
    ]),
  ];
}

/** The first so many bytes. */
export function truncations(good: Uint8Array, cuts: readonly (readonly [string, number])[]): readonly Refusal[] {
  return cuts.map(([where, sizeBytes]) => [`cut ${where}`, good.slice(0, sizeBytes), "ERR_CBOR_MALFORMED"]);
}
