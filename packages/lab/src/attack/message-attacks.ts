/** Attacks with messages and with what lies in the flash: what is changed, mixed, sent again, put back, or unsigned. */
import { compareKeyUse } from "@pericard/protocol";
import { LabError } from "../errors.ts";
import { ONLY_A_FALLS, PAPERS_FALL, type Attack, type Outcome } from "./attack.ts";
import { segmentLeads, synthesise } from "./recording.ts";
import type { Sealed, Target, Verdict } from "./target.ts";

/** Places of a ciphertext that are tried, from its beginning to its end. */
const PLACES = 12;
/** Bytes that a splice takes over: whole blocks of DES, and few enough to miss the lengths in a compressed stream mostly. */
const SPLICE_BYTES = 64;
/** Bytes that two messages must have in common to be told as equal: no accident. */
const EQUAL_BYTES = 16;
/** Uploads of other segments that are compared by length, and the most that are made to find one of the same. */
const OTHERS = 12;
const OTHERS_MAX = 400;

/** Samples of a segment of that number. */
const leadsOf = (number: number): readonly Int32Array[] => segmentLeads(synthesise(2018), number);

/** All attacks of this kind. */
export const MESSAGE_ATTACKS: readonly Attack<Target>[] = [
  { name: "flip a bit on the way", theory: ONLY_A_FALLS, run: (target) => onTheWay(target, flips) },
  { name: "flip a bit in the flash", theory: PAPERS_FALL, run: (target) => inTheFlash(target, flips) },
  { name: "splice on the way", theory: ONLY_A_FALLS, run: (target) => onTheWay(target, splices) },
  { name: "splice in the flash", theory: PAPERS_FALL, run: (target) => inTheFlash(target, splices) },
  { name: "replay", theory: ONLY_A_FALLS, run: replay },
  { name: "roll the flash back", theory: PAPERS_FALL, run: rollBack },
  { name: "strip the signature", theory: ONLY_A_FALLS, run: stripSignature },
  { name: "tell equal uploads", theory: PAPERS_FALL, run: tellEqual },
];

/** Changes `bytes` in its ciphertext at one of {@link PLACES} places; `other` is another ciphertext to take from. */
type Change = (bytes: Uint8Array, ciphertext: Uint8Array, other: Uint8Array, place: number) => Uint8Array;

const flips: Change = (bytes, ciphertext, _other, place) => {
  const at = startOf(bytes, ciphertext) + offsetOf(place, ciphertext.length - 8);
  return bytes.with(at, (bytes[at] ?? 0) ^ 1);
};

const splices: Change = (bytes, ciphertext, other, place) => {
  const at = offsetOf(place, Math.min(ciphertext.length, other.length) - SPLICE_BYTES);
  const changed = bytes.slice();
  changed.set(other.subarray(at, at + SPLICE_BYTES), startOf(bytes, ciphertext) + at);
  return changed;
};

/** The place of that number, on a boundary of DES blocks. */
function offsetOf(place: number, roomBytes: number): number {
  return 8 * Math.floor((roomBytes * place) / (PLACES - 1) / 8);
}

function startOf(bytes: Uint8Array, part: Uint8Array): number {
  const at = Buffer.from(bytes).indexOf(part);
  if (at < 0) throw new RangeError("part is not of these bytes");
  return at;
}

/** Makes a changed upload of the first of two segments. */
type Forge = (first: Sealed, second: Sealed, place: number) => Uint8Array;

/** Whoever is on the path changes an upload. */
function onTheWay(target: Target, change: Change): Promise<Outcome> {
  return tryPlaces(target, (first, second, place) => {
    const [message, other] = [target.upload([first.bytes]), target.upload([second.bytes])];
    return change(message, target.ciphertext(message), target.ciphertext(other), place);
  });
}

/** Whoever holds the flash changes a segment, and the terminal uploads it as it would any other. */
function inTheFlash(target: Target, change: Change): Promise<Outcome> {
  return tryPlaces(target, (first, second, place) => {
    const [own, other] = [first, second].map(({ bytes }) => target.sealedSamples(bytes));
    return target.upload([change(first.bytes, own ?? EMPTY, other ?? EMPTY, place)]);
  });
}

/** Each place with segments of its own. It succeeds when the receiver takes one that the terminal did not seal. */
async function tryPlaces(target: Target, forge: Forge): Promise<Outcome> {
  let takenCount = 0;
  const codes = new Set<string>();
  for (let place = 0; place < PLACES; place += 1) {
    const [first, second] = [target.seal(leadsOf(2 * place)), target.seal(leadsOf(2 * place + 1))];
    const { taken, code } = await target.judge(forge(first, second, place));
    if (taken.some((id) => id !== first.id && id !== second.id)) takenCount += 1;
    if (code !== null) codes.add(code);
  }
  const refused = codes.size > 0 ? `; refused: ${[...codes].join(", ")}` : "";
  const why = `${takenCount} of ${PLACES} changed uploads were taken as the terminal's${refused}`;
  return { succeeded: takenCount > 0, why };
}

/** An upload comes twice. It succeeds when the receiver keeps its samples twice. */
async function replay(target: Target): Promise<Outcome> {
  const message = target.upload([target.seal(leadsOf(0)).bytes]);
  await target.judge(message);
  const kept = target.keptBytes();
  const again = await target.judge(message);
  const more = target.keptBytes() - kept;
  const answer = again.taken.length > 0 ? "answered as before" : `refused: ${again.code}`;
  return { succeeded: more > 0, why: `the second time ${more} bytes more were kept; ${answer}` };
}

/** A copy of the flash is put back. It succeeds when one key with one nonce seals twice: equal samples then show. */
async function rollBack(target: Target): Promise<Outcome> {
  const putBack = target.copyFlash();
  putBack();
  const before = target.seal(leadsOf(0));
  await target.judge(target.upload([before.bytes]));
  putBack();
  const again = target.seal(leadsOf(0));
  if (compareKeyUse(before.use, again.use) !== 0) {
    throw new LabError("ERR_ATTACK_UNDECIDED", `use ${again.use.use} is not ${before.use.use}: flash was not put back`);
  }
  const isSame = Buffer.compare(target.sealedSamples(before.bytes), target.sealedSamples(again.bytes)) === 0;
  putBack();
  target.beginRecording();
  await target.judge(target.upload([target.seal(leadsOf(1)).bytes]));
  const alarms = target.alarms();
  const noticed = alarms.length > 0 ? `the server raised alarm: ${alarms.join(", ")}` : "nobody noticed";
  return {
    succeeded: isSame,
    why: `equal samples under a use that came again are ${isSame ? "equal" : "unlike"} ciphertext; ${noticed}`,
  };
}

/** It succeeds when what the terminal did not sign is taken. */
async function stripSignature(target: Target): Promise<Outcome> {
  const message = target.upload([target.seal(leadsOf(0)).bytes]);
  const verdicts: Verdict[] = [];
  for (const unsigned of target.withoutSignature(message)) verdicts.push(await target.judge(unsigned));
  const taken = verdicts.filter((verdict) => verdict.taken.length > 0).length;
  const codes = verdicts.flatMap(({ code }) => code ?? []);
  const why = `${taken} of ${verdicts.length} messages without the terminal's signature were taken`;
  return { succeeded: taken > 0, why: codes.length > 0 ? `${why}; refused: ${codes.join(", ")}` : why };
}

/**
 * Two uploads of the same segment and one of another: it succeeds when an observer can tell by their bytes which two are the
 * same. What is compared is of one length: what lengths tell is another matter, and said beside it.
 */
function tellEqual(target: Target): Outcome {
  const item = target.seal(leadsOf(0)).bytes;
  const [first, second] = [target.upload([item]), target.upload([item])];
  const own = target.visible(first);
  const { other, unlikeCount } = findOther(target, first.length, own.length);
  const pieces = commonPieces(own, target.visible(second)) - commonPieces(own, other);
  return {
    succeeded: pieces > 0,
    why: `${pieces * EQUAL_BYTES} bytes are the same in both uploads and not in another; ${unlikeCount} of ${OTHERS} others had another length`,
  };
}

/** What is visible of another segment's upload, of that length, and how many of the first uploads were not as long. */
function findOther(
  target: Target,
  uploadBytes: number,
  visibleBytes: number,
): { readonly other: Uint8Array; readonly unlikeCount: number } {
  let unlikeCount = 0;
  let other: Uint8Array | undefined;
  for (let number = 1; number <= OTHERS_MAX && (number <= OTHERS || !other); number += 1) {
    const message = target.upload([target.seal(leadsOf(number)).bytes]);
    if (number <= OTHERS && message.length !== uploadBytes) unlikeCount += 1;
    const visible = target.visible(message);
    if (visible.length === visibleBytes) other ??= visible;
  }
  if (other) return { other, unlikeCount };
  throw new LabError("ERR_ATTACK_UNDECIDED", `none of ${OTHERS_MAX} other uploads is as long as the first`);
}

/** Pieces of the first that are somewhere in the second. */
function commonPieces(first: Uint8Array, second: Uint8Array): number {
  const known = new Set<string>();
  const text = Buffer.from(second).toString("latin1");
  for (let at = 0; at + EQUAL_BYTES <= text.length; at += 1) known.add(text.slice(at, at + EQUAL_BYTES));
  const own = Buffer.from(first).toString("latin1");
  let count = 0;
  for (let at = 0; at + EQUAL_BYTES <= own.length; at += EQUAL_BYTES) {
    if (known.has(own.slice(at, at + EQUAL_BYTES))) count += 1;
  }
  return count;
}

const EMPTY = new Uint8Array(0);
