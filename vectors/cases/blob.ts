/** Vectors of sealed blobs and of values under a passphrase. Source: docs/format.md §4.4, §4.5. */
import { openWithPassphrase, sealBlob, sealWithPassphrase, type Argon2Cost, type BlobContext } from "@pericard/crypto";
import { concatBytes, encodeCbor, TenantId, toHex, utf8 } from "@pericard/protocol";
import type { VectorCase, VectorFile } from "./case.ts";
import { array, bytes, int, text } from "./cbor-writer.ts";
import { flipBit, type Code } from "./edit.ts";
import { BINDING, DATA_KEY, HASH, OTHER_KEY, seededRandom } from "./fixtures.ts";

const CONTEXT: BlobContext = ["patient-key", TenantId.toBytes(BINDING.tenant), 5];
const OTHER_CONTEXT: BlobContext = ["patient-key", TenantId.toBytes(BINDING.tenant), 6];
const OTHER_KIND: BlobContext = ["tenant-key", TenantId.toBytes(BINDING.tenant), 5];
const BLOB = sealBlob(DATA_KEY, CONTEXT, HASH, seededRandom("blob"));

function blobCase(
  name: string,
  expect: "accept" | Code,
  blob: Uint8Array,
  opened: { readonly key?: Uint8Array; readonly context?: BlobContext; readonly plain?: Uint8Array } = {},
): VectorCase {
  const inputs = { keyHex: toHex(opened.key ?? DATA_KEY), contextHex: toHex(encodeCbor(opened.context ?? CONTEXT)) };
  const base = { name, expect, ...inputs, bytesHex: toHex(blob) };
  return expect === "accept" ? { ...base, decoded: { plain: toHex(opened.plain ?? HASH) } } : base;
}

/** Every vector of a blob. */
export function blobVectors(): VectorFile {
  const broken = "ERR_SEAL_BROKEN";
  const empty = new Uint8Array(0);
  return {
    structure: "sealed blob",
    source: "docs/format.md §4.4",
    steps: "take the salt, derive the key from key, salt and context, open",
    cases: [
      blobCase("a wrapped key", "accept", BLOB),
      blobCase("an empty value", "accept", sealBlob(DATA_KEY, CONTEXT, empty, seededRandom("empty")), { plain: empty }),
      blobCase("under another key", broken, BLOB, { key: OTHER_KEY }),
      blobCase("of another id", broken, BLOB, { context: OTHER_CONTEXT }),
      blobCase("of another kind", broken, BLOB, { context: OTHER_KIND }),
      blobCase("of a shorter context", broken, BLOB, { context: ["patient-key", TenantId.toBytes(BINDING.tenant)] }),
      blobCase("first bit of the salt is turned over", broken, flipBit(BLOB, 0)),
      blobCase("last bit of the salt is turned over", broken, flipBit(BLOB, 31, 7)),
      blobCase("first bit of the ciphertext is turned over", broken, flipBit(BLOB, 32)),
      blobCase("first bit of the tag is turned over", broken, flipBit(BLOB, -16)),
      blobCase("last bit of the tag is turned over", broken, flipBit(BLOB, -1, 7)),
      blobCase("empty", broken, empty),
      blobCase("of 47 bytes", broken, BLOB.slice(0, 47)),
      blobCase("of salt and tag alone", broken, BLOB.slice(0, 48)),
      blobCase("has lost its last byte", broken, BLOB.slice(0, -1)),
      blobCase("has a byte more", broken, concatBytes(BLOB, Uint8Array.of(0))),
      blobCase("has lost its first byte", broken, BLOB.slice(1)),
    ],
  };
}

const COST: Argon2Cost = { memoryKib: 64, passCount: 2, laneCount: 2 };
const PASSPHRASE = utf8("correct horse battery staple");
const PURPOSE = "kek";
const FORMAT = "pericard/passphrase";
const SEALED = sealWithPassphrase(PASSPHRASE, PURPOSE, HASH, seededRandom("passphrase"), COST);

function passphraseCase(
  name: string,
  expect: "accept" | Code,
  sealed: Uint8Array,
  { passphrase = PASSPHRASE, purpose = PURPOSE } = {},
): VectorCase {
  const base = { name, expect, passphraseHex: toHex(passphrase), purpose, bytesHex: toHex(sealed) };
  return expect === "accept"
    ? { ...base, decoded: { plain: toHex(openWithPassphrase(passphrase, purpose, sealed)) } }
    : base;
}

/** Every vector of a value under a passphrase. */
export function passphraseVectors(): VectorFile {
  const malformed = "ERR_PASSPHRASE_FORMAT";
  const wrong = "ERR_PASSPHRASE_WRONG";
  const salt = seededRandom("passphrase")(16);
  const blob = SEALED.slice(-80);
  const items = [text(FORMAT), int(64), int(2), int(2), bytes(salt), bytes(blob)];
  const withItem = (index: number, item: Uint8Array): Uint8Array =>
    array(items.map((old, i) => (i === index ? item : old)));
  const cheap: Argon2Cost = { memoryKib: 8, passCount: 1, laneCount: 1 };
  const single = sealWithPassphrase(PASSPHRASE, PURPOSE, new Uint8Array(0), seededRandom("single"), cheap);
  return {
    structure: "value under a passphrase",
    source: "docs/format.md §4.5",
    steps: "decode, stretch the passphrase with Argon2id, open the blob for the purpose",
    cases: [
      passphraseCase("a value", "accept", SEALED),
      passphraseCase("an empty value at the least cost", "accept", single),
      passphraseCase("written by a second encoder", "accept", array(items)),
      passphraseCase("under another passphrase", wrong, SEALED, { passphrase: utf8("correct horse battery stapler") }),
      passphraseCase("under an empty passphrase", wrong, SEALED, { passphrase: new Uint8Array(0) }),
      passphraseCase("for another purpose", wrong, SEALED, { purpose: "root" }),
      passphraseCase("with less memory", wrong, withItem(1, int(32))),
      passphraseCase("with one pass", wrong, withItem(2, int(1))),
      passphraseCase("with one lane", wrong, withItem(3, int(1))),
      passphraseCase("with another salt", wrong, withItem(4, bytes(flipBit(salt, 0)))),
      passphraseCase("with another blob", wrong, withItem(5, bytes(flipBit(blob, -1)))),
      passphraseCase("with an empty blob", wrong, withItem(5, bytes(new Uint8Array(0)))),
      passphraseCase("with the blob as text", malformed, withItem(5, text("blob"))),
      passphraseCase("with another format name", malformed, withItem(0, text("pericard/passphrase2"))),
      passphraseCase("with a salt of 15 bytes", malformed, withItem(4, bytes(salt.slice(1)))),
      passphraseCase("with less memory than its lanes need", malformed, withItem(1, int(15))),
      passphraseCase("asks for more than 1 GiB", malformed, withItem(1, int(1024 * 1024 + 1))),
      passphraseCase("asks for 2^64 - 1 KiB", malformed, withItem(1, int(2n ** 64n - 1n))),
      passphraseCase("asks for no pass", malformed, withItem(2, int(0))),
      passphraseCase("asks for 17 passes", malformed, withItem(2, int(17))),
      passphraseCase("asks for no lane", malformed, withItem(3, int(0))),
      passphraseCase("asks for 17 lanes", malformed, withItem(3, int(17))),
      passphraseCase("writes its memory longer than needed", malformed, withItem(1, int(64, 4))),
      passphraseCase("has five items", malformed, array(items.slice(0, 5))),
      passphraseCase("has seven items", malformed, array([...items, int(0)])),
      passphraseCase("has a trailing byte", malformed, concatBytes(SEALED, Uint8Array.of(0))),
      passphraseCase("has lost its last byte", malformed, SEALED.slice(0, -1)),
      passphraseCase("is empty", malformed, new Uint8Array(0)),
    ],
  };
}
