/** Vectors of what the factory and custody of the KEK keep. Source: docs/format.md §12.1, §12.3. */
import { aeadSeal, sealBlob, type BlobContext } from "@pericard/crypto";
import { concatBytes, encodeCbor, TenantId, toHex } from "@pericard/protocol";
import type { VectorCase, VectorFile } from "./case.ts";
import { array, bytes, int, text } from "./cbor-writer.ts";
import { flipBit } from "./edit.ts";
import { BINDING, BLOCK, DATA_KEY, HASH, OTHER_HASH, OTHER_KEY, seededRandom } from "./fixtures.ts";

const ID = HASH.slice(0, 16);
const OTHER_ID = OTHER_HASH.slice(0, 16);
const FIRST_INDEX = 1000;
const NAME = "blocks-0000001000.sealed";
const SECOND = seededRandom("second block")(960);

interface SequenceInputs {
  readonly key?: Uint8Array;
  readonly id?: Uint8Array;
  readonly fileName?: string;
  readonly nextIndex?: number;
}

function chunk(blocks: Uint8Array, firstIndex: number): Uint8Array {
  return sealBlob(DATA_KEY, ["sequence-chunk", ID, firstIndex], blocks, seededRandom(`chunk ${firstIndex}`));
}

function sequenceCase(
  name: string,
  expect: "accept" | "ERR_SEQUENCE_DAMAGED",
  file: Uint8Array,
  { key = DATA_KEY, id = ID, fileName = NAME, nextIndex = FIRST_INDEX }: SequenceInputs = {},
  blocks: readonly Uint8Array[] = [],
): VectorCase {
  const inputs = { keyHex: toHex(key), idHex: toHex(id), fileName, nextIndex };
  const base = { name, expect, ...inputs, bytesHex: toHex(file) };
  return expect === "accept" ? { ...base, decoded: { firstIndex: FIRST_INDEX, blocks: blocks.map(toHex) } } : base;
}

/** Every vector of a file of the master key sequence. */
export function sequenceVectors(): VectorFile {
  const damaged = "ERR_SEQUENCE_DAMAGED";
  const one = chunk(BLOCK, FIRST_INDEX);
  const two = chunk(concatBytes(BLOCK, SECOND), FIRST_INDEX);
  return {
    structure: "file of the master key sequence",
    source: "docs/format.md §12.1",
    steps:
      "open the folder that has this file alone, with nextIndex as the first block that no terminal has; read every block",
    cases: [
      sequenceCase("one block", "accept", one, {}, [BLOCK]),
      sequenceCase("two blocks", "accept", two, {}, [BLOCK, SECOND]),
      sequenceCase("two blocks that terminals have", "accept", two, { nextIndex: 1002 }, [BLOCK, SECOND]),
      sequenceCase("terminals have a block behind its end", damaged, one, { nextIndex: 1002 }),
      sequenceCase("under another key", damaged, one, { key: OTHER_KEY }),
      sequenceCase("of another sequence", damaged, one, { id: OTHER_ID }),
      sequenceCase("under the name of another index", damaged, one, { fileName: "blocks-0000001001.sealed" }),
      sequenceCase("a chunk of another index", damaged, chunk(BLOCK, FIRST_INDEX + 1)),
      sequenceCase("first bit of the salt is turned over", damaged, flipBit(one, 0)),
      sequenceCase("first bit of the block is turned over", damaged, flipBit(one, 32)),
      sequenceCase("last bit of the tag is turned over", damaged, flipBit(one, -1, 7)),
      sequenceCase("has lost its last byte", damaged, one.slice(0, -1)),
      sequenceCase("has a byte more", damaged, concatBytes(one, Uint8Array.of(0))),
      sequenceCase("is empty", damaged, new Uint8Array(0)),
      sequenceCase("is salt and tag alone", damaged, one.slice(0, 48)),
      sequenceCase("two short chunks", damaged, concatBytes(one, chunk(SECOND, FIRST_INDEX + 1))),
    ],
  };
}

const LABEL = "pericard";
const ITEMS = [text("pericard/kek-token"), text(LABEL), bytes(ID)];

function tokenCase(name: string, file: Uint8Array, accepted = false): VectorCase {
  const base = { name, expect: accepted ? "accept" : "ERR_KEK_FILE", bytesHex: toHex(file) };
  return accepted ? { ...base, decoded: { tokenLabel: LABEL, keyId: toHex(ID) } } : base;
}

/** Every vector of the file that names a token's KEK. */
export function kekTokenVectors(): VectorFile {
  const withItem = (index: number, item: Uint8Array): Uint8Array =>
    array(ITEMS.map((old, i) => (i === index ? item : old)));
  const whole = array(ITEMS);
  return {
    structure: "file of a key-encryption key in a token",
    source: "docs/format.md §12.3",
    steps: "read the names of token and key",
    cases: [
      tokenCase("a token and a key", whole, true),
      tokenCase("another format name", withItem(0, text("pericard/kek-tokens"))),
      tokenCase("a label of 33 characters", withItem(1, text("x".repeat(33)))),
      tokenCase("a label of bytes", withItem(1, bytes(ID))),
      tokenCase("a key id of 15 bytes", withItem(2, bytes(ID.slice(1)))),
      tokenCase("a key id of 17 bytes", withItem(2, bytes(concatBytes(ID, ID.slice(0, 1))))),
      tokenCase("a key id as text", withItem(2, text("id"))),
      tokenCase("two items", array(ITEMS.slice(0, 2))),
      tokenCase("four items", array([...ITEMS, int(0)])),
      tokenCase("a trailing byte", concatBytes(whole, Uint8Array.of(0))),
      tokenCase("its last byte lost", whole.slice(0, -1)),
      tokenCase("empty", new Uint8Array(0)),
    ],
  };
}

const CONTEXT: BlobContext = ["tenant", TenantId.toBytes(BINDING.tenant)];
const OTHER_KIND: BlobContext = ["server-key", TenantId.toBytes(BINDING.tenant)];
const NONCE = seededRandom("nonce")(12);
const VALUE = concatBytes(NONCE, aeadSeal("aes-256-gcm", DATA_KEY, encodeCbor(CONTEXT), HASH, NONCE));

function valueCase(name: string, value: Uint8Array, { key = DATA_KEY, context = CONTEXT } = {}): VectorCase {
  const inputs = { keyHex: toHex(key), contextHex: toHex(encodeCbor(context)) };
  const isWhole = value === VALUE && key === DATA_KEY && context === CONTEXT;
  const base = { name, expect: isWhole ? "accept" : "ERR_SEAL_BROKEN", ...inputs, bytesHex: toHex(value) };
  return isWhole ? { ...base, decoded: { plain: toHex(HASH) } } : base;
}

/** Every vector of a value that a token sealed. */
export function tokenValueVectors(): VectorFile {
  return {
    structure: "value sealed in a token",
    source: "docs/format.md §12.3",
    steps: "open with AES-256-GCM under the key, with the nonce before and the context as authenticated data",
    cases: [
      valueCase("a wrapped key", VALUE),
      valueCase("under another key", VALUE, { key: OTHER_KEY }),
      valueCase("of another kind", VALUE, { context: OTHER_KIND }),
      valueCase("first bit of the nonce is turned over", flipBit(VALUE, 0)),
      valueCase("first bit of the ciphertext is turned over", flipBit(VALUE, 12)),
      valueCase("last bit of the tag is turned over", flipBit(VALUE, -1, 7)),
      valueCase("has lost its last byte", VALUE.slice(0, -1)),
      valueCase("is nonce and tag alone", concatBytes(NONCE, VALUE.slice(-16))),
      valueCase("is shorter than nonce and tag", VALUE.slice(0, 27)),
      valueCase("empty", new Uint8Array(0)),
    ],
  };
}
