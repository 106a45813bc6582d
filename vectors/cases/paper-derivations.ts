/** Vectors of what suite paper-2018 computes. Source: docs/format-paper-2018.md §3, §6, §7. */
import { createCipheriv, createHash } from "node:crypto";
import { PAPER_GROUP, paperWrapKey, paperSign } from "@pericard/crypto";
import { concatBytes, encodePaperCheck, fromHex, KEYS_PER_BLOCK, TerminalId, toHex, utf8 } from "@pericard/protocol";
import type { VectorCase, VectorFile } from "./case.ts";
import { array, bytes, int } from "./cbor-writer.ts";
import { flipBit, refusals } from "./edit.ts";
import { BINDING, BLOCK, OTHER_BLOCK, seededRandom } from "./fixtures.ts";
import { LEAVE, OTHER_RSA, PAPER_TRANSPORT_KEY, SERVER_RSA, TERMINAL_RSA } from "./paper-fixtures.ts";

const RANGE = "RangeError";
const BROKEN = "ERR_SEAL_BROKEN";

/** k_i and the group of eight by the steps of the text, beside the code's own. */
function keyAt(block: Uint8Array, index: number): Uint8Array {
  const at = 8 * (index % KEYS_PER_BLOCK);
  return block.slice(at, at + 8);
}

function groupAt(block: Uint8Array, index: number): Uint8Array {
  return concatBytes(...Array.from({ length: 8 }, (_, i) => keyAt(block, index + i)));
}

const md5 = (content: Uint8Array): Uint8Array => new Uint8Array(createHash("md5").update(content).digest());

function storage(name: string, block: Uint8Array, index: number, expect = "accept"): VectorCase {
  const bytesHex = expect === "accept" ? toHex(keyAt(block, index)) : "";
  return { name, expect, computes: "storage key", blockHex: toHex(block), index, bytesHex };
}

function transport(name: string, block: Uint8Array, index: number, expect = "accept"): VectorCase {
  const group = expect === "accept" ? groupAt(block, index) : new Uint8Array(0);
  const bytesHex = expect === "accept" ? toHex(md5(group).slice(0, 8)) : "";
  const inputs = { computes: "transport key", blockHex: toHex(block), index };
  return { name, expect, ...inputs, bytesHex, decoded: { group: toHex(group) } };
}

function keyCases(): readonly VectorCase[] {
  const indexes = [0, 1, 111, 112, 113, 114, 119];
  return [
    ...indexes.map((index) => storage(`storage key ${index}`, BLOCK, index)),
    ...indexes.map((index) => transport(`transport key ${index}`, BLOCK, index)),
    transport("transport key of another block", OTHER_BLOCK, 0),
    storage("storage key 120", BLOCK, 120, RANGE),
    storage("storage key of a block of 959 bytes", BLOCK.slice(1), 0, RANGE),
    transport("transport key 120", BLOCK, 120, RANGE),
    transport("transport key -1", BLOCK, -1, RANGE),
    transport("transport key of a block of 961 bytes", concatBytes(BLOCK, Uint8Array.of(0)), 0, RANGE),
  ];
}

/** One block under single DES, as published. Source: FIPS 81; J. Orlin Grabbe, "The DES Algorithm Illustrated". */
const DES = { key: "133457799bbcdff1", plain: "0123456789abcdef", ciphertext: "85e813540f0ab405" } as const;

/** Ciphertext of bytes that are whole blocks already, so that a case may have any padding or none. */
function unpadded(key: Uint8Array, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv("des-ede3", concatBytes(key, key, key), null).setAutoPadding(false);
  return new Uint8Array(cipher.update(plain));
}

function des(
  name: string,
  expect: string,
  ciphertext: Uint8Array,
  plain?: Uint8Array,
  key: string = DES.key,
): VectorCase {
  const decoded = plain && { decoded: { plain: toHex(plain) } };
  return { name, expect, computes: "des", keyHex: key, bytesHex: toHex(ciphertext), ...decoded };
}

function desCases(): readonly VectorCase[] {
  const key = fromHex(DES.key);
  const plain = fromHex(DES.plain);
  const padding = unpadded(key, new Uint8Array(8).fill(8));
  const padded = (last: Uint8Array): Uint8Array => concatBytes(fromHex(DES.ciphertext), unpadded(key, last));
  return [
    des("the published block, then a block of padding", "accept", concatBytes(fromHex(DES.ciphertext), padding), plain),
    des("nothing", "accept", padding, new Uint8Array(0)),
    des(
      "15 bytes",
      "accept",
      padded(concatBytes(plain.slice(1), Uint8Array.of(1))),
      concatBytes(plain, plain.slice(1)),
    ),
    des(
      "parity bits of the key are others",
      "accept",
      concatBytes(fromHex(DES.ciphertext), padding),
      plain,
      flippedParity(),
    ),
    des("no bytes", BROKEN, new Uint8Array(0)),
    des("12 bytes", BROKEN, new Uint8Array(12)),
    des("without padding", BROKEN, fromHex(DES.ciphertext)),
    des("padding of 0", BROKEN, padded(new Uint8Array(8))),
    des("padding of 9", BROKEN, padded(new Uint8Array(8).fill(9))),
    des("padding whose bytes differ", BROKEN, padded(Uint8Array.of(1, 2, 3, 4, 5, 6, 4, 3))),
    des("key of 7 bytes", RANGE, padding, undefined, DES.key.slice(2)),
    des("key of 9 bytes", RANGE, padding, undefined, `${DES.key}00`),
  ];
}

/** DES does not look at the lowest bit of each byte. */
function flippedParity(): string {
  return toHex(fromHex(DES.key).map((byte) => byte ^ 1));
}

/** K_K whose padding is what a case wants. */
function rawWrap(padded: Uint8Array): Uint8Array {
  const modulus = modulusOf(SERVER_RSA.publicDer);
  const result = power(BigInt(`0x${toHex(padded)}`), 65_537n, modulus);
  return fromHex(result.toString(16).padStart(512, "0"));
}

/** The modulus ends five bytes before the end of SubjectPublicKeyInfo: the exponent 65537 follows. */
function modulusOf(publicDer: Uint8Array): bigint {
  return BigInt(`0x${toHex(publicDer.subarray(publicDer.length - 261, publicDer.length - 5))}`);
}

function wrap(name: string, expect: string, wrapped: Uint8Array): VectorCase {
  const inputs = { computes: "key wrap", privateKeyHex: toHex(SERVER_RSA.privateDer) };
  const decoded = expect === "accept" ? { decoded: { contentKey: toHex(PAPER_TRANSPORT_KEY) } } : {};
  return { name, expect, ...inputs, bytesHex: toHex(wrapped), ...decoded };
}

function paddedKey(edit: Readonly<Record<number, number>>, key: Uint8Array = PAPER_TRANSPORT_KEY): Uint8Array {
  const padded = new Uint8Array(256).fill(0xa5);
  padded.set([0, 2]);
  padded[255 - key.length] = 0;
  padded.set(key, 256 - key.length);
  for (const [at, value] of Object.entries(edit)) padded[Number(at)] = value;
  return padded;
}

function wrapCases(): readonly VectorCase[] {
  const random = seededRandom("wrapped key");
  return [
    wrap("K_K", "accept", paperWrapKey(LEAVE, SERVER_RSA.publicKey, PAPER_TRANSPORT_KEY, random)),
    wrap("K_K of literal padding", "accept", rawWrap(paddedKey({}))),
    wrap("K_K to another server", BROKEN, paperWrapKey(LEAVE, OTHER_RSA.publicKey, PAPER_TRANSPORT_KEY, random)),
    wrap("first byte of the padding is 1", BROKEN, rawWrap(paddedKey({ 0: 1 }))),
    wrap("padding is that of a signature", BROKEN, rawWrap(paddedKey({ 1: 1 }))),
    wrap("first filling byte is zero", BROKEN, rawWrap(paddedKey({ 2: 0 }))),
    wrap("last filling byte is zero", BROKEN, rawWrap(paddedKey({ 246: 0 }))),
    wrap("no zero before the key", BROKEN, rawWrap(paddedKey({ 247: 1 }))),
    wrap("opens to 7 bytes", BROKEN, rawWrap(paddedKey({ 247: 7 }, PAPER_TRANSPORT_KEY.slice(1)))),
    wrap("opens to 9 bytes", BROKEN, rawWrap(paddedKey({}, concatBytes(PAPER_TRANSPORT_KEY, Uint8Array.of(1))))),
    wrap("opens to nothing", BROKEN, rawWrap(paddedKey({ 247: 1 }, new Uint8Array(0)))),
    wrap("is zero", BROKEN, new Uint8Array(256)),
    wrap("is not below the modulus", BROKEN, new Uint8Array(256).fill(0xff)),
    wrap("is 255 bytes", BROKEN, new Uint8Array(255).fill(1)),
  ];
}

function signature(name: string, expect: "accept" | "differs", signed: Uint8Array, message = "C, P', K_K"): VectorCase {
  const inputs = { computes: "signature", publicKeyHex: toHex(TERMINAL_RSA.publicDer), message };
  return { name, expect, ...inputs, bytesHex: toHex(signed) };
}

function signatureCases(): readonly VectorCase[] {
  const good = paperSign(LEAVE, TERMINAL_RSA.privateKey, utf8("C, P', K_K"));
  return [
    signature("a signature", "accept", good),
    signature("signature by another key", "differs", paperSign(LEAVE, OTHER_RSA.privateKey, utf8("C, P', K_K"))),
    signature("first bit of the signature is turned over", "differs", flipBit(good, 0, 7)),
    signature("last bit of the signature is turned over", "differs", flipBit(good, -1)),
    signature("message is another", "differs", good, "C, P', K_C"),
    signature("signature has lost a byte", "differs", good.slice(1)),
    signature("signature has a byte more", "differs", concatBytes(good, Uint8Array.of(0))),
    signature("signature is zero", "differs", new Uint8Array(256)),
  ];
}

/** The platform refuses groups of 384 bits: from the highest bit down, while the code's own goes from the lowest up. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  return [...exponent.toString(2)].reduce(
    (result, bit) => (((result * result) % modulus) * (bit === "1" ? base : 1n)) % modulus,
    1n,
  );
}

const PRIME = BigInt(`0x${toHex(PAPER_GROUP.prime)}`);
const hexOf = (value: bigint): string => value.toString(16).padStart(96, "0");

function exchange(name: string, secretHex: string, otherSecretHex: string): VectorCase {
  const [secret, otherSecret] = [BigInt(`0x${secretHex}`), BigInt(`0x${otherSecretHex}`)];
  const received = power(BigInt(PAPER_GROUP.generator), otherSecret, PRIME);
  return exchangeCase(name, "accept", hexOf(received), hexOf(power(received, secret, PRIME)), secretHex);
}

function exchangeCase(
  name: string,
  expect: string,
  received: string,
  key: string,
  secretHex = "07".repeat(48),
): VectorCase {
  const group = { primeHex: toHex(PAPER_GROUP.prime), generator: PAPER_GROUP.generator };
  return { name, expect, computes: "key agreement", ...group, secretHex, receivedHex: received, bytesHex: key };
}

function exchangeCases(): readonly VectorCase[] {
  const random = seededRandom("key agreement");
  const [x, y] = [random(48), random(48)].map((bytesOfSecret) => toHex(bytesOfSecret));
  const refused = (name: string, received: bigint): VectorCase =>
    exchangeCase(name, "ERR_SHARED_SECRET", hexOf(received), "");
  return [
    exchange("K of the server", x ?? "", y ?? ""),
    exchange("K of the terminal", y ?? "", x ?? ""),
    exchangeCase("1 is taken, as in the paper: K is 1", "accept", hexOf(1n), hexOf(1n)),
    exchangeCase("Q - 1 is taken, as in the paper: K is Q - 1", "accept", hexOf(PRIME - 1n), hexOf(PRIME - 1n)),
    refused("received 0", 0n),
    refused("received Q", PRIME),
    refused("received more than Q", PRIME + 1n),
    exchangeCase("received 47 bytes", RANGE, "02".repeat(47), ""),
    exchangeCase("received 49 bytes", RANGE, "02".repeat(49), ""),
  ];
}

function exchangeKey(name: string, expect: string, shared: Uint8Array): VectorCase {
  const bytesHex = expect === "accept" ? toHex(shared.slice(0, 8)) : "";
  return { name, expect, computes: "exchange key", sharedSecretHex: toHex(shared), bytesHex };
}

function exchangeKeyCases(): readonly VectorCase[] {
  const shared = seededRandom("exchange key")(48);
  return [
    exchangeKey("DES key of K", "accept", shared),
    exchangeKey("DES key of a K of 1, zeros before it", "accept", fromHex(hexOf(1n))),
    exchangeKey("DES key of a K of 47 bytes", RANGE, shared.slice(1)),
    exchangeKey("DES key of a K of 49 bytes", RANGE, concatBytes(Uint8Array.of(0), shared)),
  ];
}

/** Every vector of a derivation or computation of paper-2018. */
export function paperDerivationVectors(): VectorFile {
  return {
    structure: "computations of paper-2018",
    source: "docs/format-paper-2018.md §3, §7",
    steps:
      "do what computes names with the inputs. storage key, transport key, key agreement, exchange key: expect bytes. des, key wrap: open bytes. signature: verify bytes over the UTF-8 of message",
    cases: [
      ...keyCases(),
      ...desCases(),
      ...wrapCases(),
      ...signatureCases(),
      ...exchangeCases(),
      ...exchangeKeyCases(),
    ],
  };
}

/** A check as a terminal with that digest sends it. */
function deployment(name: string, expect: string, digest: Uint8Array): VectorCase {
  const bytesHex = toHex(encodePaperCheck({ terminal: BINDING.terminal, digest }));
  return { name, expect, terminal: BINDING.terminal, blockHex: toHex(BLOCK), bytesHex };
}

/** Every vector of the deployment check of paper-2018. `expect` "differs": the check is another block's. */
export function paperDeploymentVectors(): VectorFile {
  const digest = md5(BLOCK);
  const terminal = bytes(TerminalId.toBytes(BINDING.terminal));
  const inputs = { terminal: BINDING.terminal, blockHex: toHex(BLOCK) };
  const range = "ERR_FIELD_RANGE";
  return {
    structure: "deployment check of paper-2018",
    source: "docs/format-paper-2018.md §6",
    steps: "read the check; its digest is MD5 of the block, or, in a case that expects differs, it is not",
    cases: [
      deployment("a check", "accept", digest),
      deployment("check of another block", "differs", md5(OTHER_BLOCK)),
      deployment("check of a block with one bit turned over", "differs", md5(flipBit(BLOCK, 500))),
      ...refusals(inputs, [
        ["suite is pericard-1", array([int(1), terminal, bytes(digest)]), "ERR_SUITE_UNKNOWN"],
        ["serial is 5 bytes", array([int(0), bytes(new Uint8Array(5)), bytes(digest)]), range],
        ["digest is 15 bytes", array([int(0), terminal, bytes(digest.slice(1))]), range],
        ["an item too few", array([int(0), terminal]), range],
        ["an item too many", array([int(0), terminal, bytes(digest), int(0)]), range],
        ["suite is written longer than needed", array([int(0, 1), terminal, bytes(digest)]), "ERR_CBOR_MALFORMED"],
        ["65 bytes", array([int(0), terminal, bytes(new Uint8Array(54))]), "ERR_LENGTH_LIMIT"],
      ]),
    ],
  };
}
