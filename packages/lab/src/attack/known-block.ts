/**
 * The first eight bytes of a gzip member are the same for every upload: a table of what they become under each key, made
 * once, gives the transport key of any upload by one look. The storage key inside is then searched as it is in the flash:
 * two layers cost two searches, not the square of one.
 *
 * The transport key is a hash of the block and cannot be drawn; as many of its bits as the table leaves open are kept, the
 * others are made those that are known.
 *
 * Source: paper A §III, Fig. 1, and §IV, by which messages on the network could not be read; docs/attack-lab.md.
 */
import {
  desDecrypt,
  desEncrypt,
  drawPaperRsaPair,
  paperRsaPrivate,
  paperRsaPublic,
  paperTransportKey,
  sealPaperEnvelope,
  systemRandom,
} from "@pericard/crypto";
import { BYTE_CODECS } from "@pericard/ecg";
import {
  decodePaperContent,
  encodePaperContent,
  PAPER_CONTENT_BYTES_MAX,
  parsePaperEnvelope,
  RoutingId,
} from "@pericard/protocol";
import { breathe, type Outcome } from "./attack.ts";
import { ciphertextIn, sealItem, type PaperName } from "./paper-seal.ts";
import { rawSamples, segmentLeads, synthesise } from "./recording.ts";
import { ReducedKeys } from "./reduced-keys.ts";
import type { AttackSite } from "./site.ts";
import { numberOf, sweep } from "./sweep.ts";
import type { Target } from "./target.ts";

export const KNOWN_BLOCK = "known gzip block, network message";

/** A table of 2^16 keys is small and quickly made. */
const TABLE_BITS_MAX = 16;
const CODEC = "gzip";

export interface KnownBlockOptions {
  readonly bits: number;
  readonly signal: AbortSignal;
  readonly onProgress: (doneShare: number) => void;
}

/** What the first block of an upload becomes under each key of a space. */
export interface KeyTable {
  readonly keys: ReducedKeys;
  /** Number of the key by {@link numberOf} of the block. */
  readonly numbers: ReadonlyMap<number, number>;
}

/** Two seconds that are uploaded. */
const uploadedLeads = (): readonly Int32Array[] => segmentLeads(synthesise(58), 0);

/** Makes the table; once, for all uploads of all terminals. @throws the signal's reason. */
export async function makeTable({ leave }: AttackSite, { bits, signal }: KnownBlockOptions): Promise<KeyTable> {
  const keys = new ReducedKeys(Math.min(bits, TABLE_BITS_MAX));
  // Of any gzip member, whatever is in it.
  const gzipBlock = BYTE_CODECS.gzip.encode(systemRandom(100)).slice(0, 8);
  const numbers = new Map<number, number>();
  const key = new Uint8Array(8);
  for (let number = 0; number < keys.size; number += 1) {
    if (number % 4096 === 0) await breathe(signal);
    keys.write(number, key);
    numbers.set(numberOf(desEncrypt(leave, key, gzipBlock)), number);
  }
  return { keys, numbers };
}

/** Reads the samples out of an upload of paper A, or of suite paper-2018. */
export async function readUpload(
  site: AttackSite,
  { keys, numbers }: KeyTable,
  { bits, signal, onProgress }: KnownBlockOptions,
  name: PaperName,
): Promise<Outcome> {
  const { leave } = site;
  const storageKeys = new ReducedKeys(bits);
  const ciphertext = makeUpload(site, name, keys, storageKeys.drawBlock());
  const number = numbers.get(numberOf(ciphertext.subarray(0, 8)));
  if (number === undefined) return { succeeded: false, why: "first block is not in the table" };
  const transportKey = new Uint8Array(8);
  keys.write(number, transportKey);
  const encoded = desDecrypt(leave, transportKey, ciphertext);
  const [item = encoded] = decodePaperContent(BYTE_CODECS[CODEC].decode(encoded, PAPER_CONTENT_BYTES_MAX));
  const sealed = ciphertextIn(name, item);
  const knownBlock = rawSamples(segmentLeads(synthesise(59), 0)).slice(0, 8);
  const blocks = [sealed.subarray(0, 8)];
  const { one, trials } = await sweep({ leave, keys: storageKeys, knownBlock, blocks, signal, onProgress });
  const opened = one && desDecrypt(leave, one.key, sealed);
  const isRead = opened !== undefined && Buffer.compare(opened, rawSamples(uploadedLeads())) === 0;
  return {
    succeeded: isRead,
    why: `transport key by one look into ${numbers.size} entries, storage key after ${trials} keys of 2^${bits}: samples ${isRead ? "" : "not "}read`,
  };
}

/** C of an upload of one segment. */
function makeUpload(site: AttackSite, name: PaperName, keys: ReducedKeys, block: Uint8Array): Uint8Array {
  const { leave, paper } = site;
  const item = sealItem(site, name, block, 0, uploadedLeads());
  const transportKey = keys.reduce(paperTransportKey(leave, block, 0));
  const encoded = BYTE_CODECS[CODEC].encode(encodePaperContent([item]));
  if (name === "A") return desEncrypt(leave, transportKey, encoded);
  const signKey = paperRsaPrivate(leave, drawPaperRsaPair(leave).privateDer);
  const recipient = paperRsaPublic(leave, paper.publicDer);
  const sealKeys = { transportKey, cycle: 0, index: 0, recipient, signKey };
  const routing = RoutingId.fromBytes(systemRandom(8));
  const { bytes } = sealPaperEnvelope(leave, sealKeys, routing, { codec: CODEC, encoded }, systemRandom);
  return parsePaperEnvelope(bytes).ciphertext;
}

/** Looks up the beginnings of uploads of pericard-1, whose contents the attacker even knows to be the same. */
export function lookUp({ numbers }: KeyTable, target: Target): Outcome {
  const item = target.seal(uploadedLeads()).bytes;
  const firsts = [0, 1, 2, 3].map(() => numberOf(target.ciphertext(target.upload([item])).subarray(0, 8)));
  const found = firsts.filter((first) => numbers.has(first)).length;
  const unlike = new Set(firsts).size;
  return {
    succeeded: found > 0 || unlike < firsts.length,
    why: `${firsts.length} uploads of one segment begin in ${unlike} ways, ${found} of them in the table: each has a random key`,
  };
}
