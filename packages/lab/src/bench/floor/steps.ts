/**
 * The steps that no server can leave out, each as lean as the platform allows. No check but the cryptography's own.
 *
 * [Note: bare cryptography] This folder computes with node:crypto itself and not through `crypto`: a floor made of the
 * code that it measures would sink with it.
 *
 * Source: docs/format.md §3, §5, §6.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  hash,
  hkdfSync,
  randomFillSync,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import type { EnvelopeParts, SegmentParts } from "./envelope-parts.ts";
import { byteText, text, WireReader } from "./wire.ts";

const TAG_BYTES = 16;
const ZERO_NONCE = Buffer.alloc(12);
const NO_BYTES = Buffer.alloc(0);
const GCM = { authTagLength: TAG_BYTES } as const;

const SIGNED = Buffer.concat([Buffer.of(0x84), text("Signature1")]);
const ENVELOPE_TYPE = byteText("pericard/envelope");
const ENCRYPTED = Buffer.concat([Buffer.of(0x83), text("Encrypt")]);
const ENCRYPTED0 = Buffer.concat([Buffer.of(0x83), text("Encrypt0")]);
const SEGMENT_TYPE = byteText("pericard/segment");
const RECIPIENT = Buffer.concat([Buffer.of(0x84), text("HPKE Recipient"), Buffer.of(3)]);
const SEGMENT_INFO = Buffer.concat([Buffer.of(0x85), text("segment")]);
const PACKAGE_INFO = Buffer.from("package");

function open(
  aead: "aes-256-gcm" | "chacha20-poly1305",
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Buffer,
  sealed: Buffer,
) {
  const plainBytes = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(aead as "aes-256-gcm", key, nonce, GCM);
  if (aad.length > 0) decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(plainBytes));
  const plain = decipher.update(sealed.subarray(0, plainBytes));
  decipher.final();
  return plain;
}

/** Ed25519 over the whole upload. */
export function verifyEnvelope(key: KeyObject, parts: EnvelopeParts): void {
  const covered = Buffer.concat([SIGNED, parts.rawSignedHeader, ENVELOPE_TYPE, parts.rawPayload]);
  if (!verify(null, covered, key, parts.signature)) throw new Error("signature is not the sender's");
}

const KEM = Buffer.from([..."KEM"].map((letter) => letter.charCodeAt(0)).concat([0x00, 0x20]));
const HPKE = Buffer.concat([Buffer.from("HPKE"), Buffer.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03)]);
const VERSION = Buffer.from("HPKE-v1");
const labelled = (suite: Buffer, label: string): Buffer => Buffer.concat([VERSION, suite, Buffer.from(label)]);
const sized = (sizeBytes: number, suite: Buffer, label: string): Buffer =>
  Buffer.concat([Buffer.of(0, sizeBytes), labelled(suite, label)]);
const hmac = (key: Uint8Array, bytes: Uint8Array): Buffer => createHmac("sha256", key).update(bytes).digest();

const LABEL = {
  eaePrk: labelled(KEM, "eae_prk"),
  sharedSecret: sized(32, KEM, "shared_secret"),
  infoHash: labelled(HPKE, "info_hash"),
  secret: labelled(HPKE, "secret"),
  key: sized(32, HPKE, "key"),
  nonce: sized(12, HPKE, "base_nonce"),
} as const;
/** Mode psk and the hash of psk_id (0, 0), the same for every envelope. */
const MODE_AND_PSK_ID = Buffer.concat([
  Buffer.of(1),
  hmac(NO_BYTES, Buffer.concat([labelled(HPKE, "psk_id_hash"), Buffer.of(0x82, 0, 0)])),
]);

/** A recipient's private key with its raw public half. */
export interface Recipient {
  readonly privateKey: KeyObject;
  readonly publicBytes: Uint8Array;
}

/** HPKE in PSK mode: the content key, 32 bytes. Source: RFC 9180 §4.1, §5.1. */
export function openContentKey(recipient: Recipient, transportKey: Uint8Array, parts: EnvelopeParts): Buffer {
  const { encapsulatedKey, wrappedKey, rawHeader, rawRecipientHeader } = parts;
  const publicKey = createPublicKey({ key: encapsulatedKey, format: "raw-public", asymmetricKeyType: "x25519" });
  const dh = diffieHellman({ privateKey: recipient.privateKey, publicKey });
  const kemInfo = Buffer.concat([LABEL.sharedSecret, encapsulatedKey, recipient.publicBytes]);
  const shared = new Uint8Array(hkdfSync("sha256", Buffer.concat([LABEL.eaePrk, dh]), NO_BYTES, kemInfo, 32));
  const infoHash = hmac(NO_BYTES, Buffer.concat([LABEL.infoHash, RECIPIENT, rawRecipientHeader, rawHeader]));
  const secret = hmac(shared, Buffer.concat([LABEL.secret, transportKey]));
  const last = Buffer.of(1);
  const key = hmac(secret, Buffer.concat([LABEL.key, MODE_AND_PSK_ID, infoHash, last]));
  const nonce = hmac(secret, Buffer.concat([LABEL.nonce, MODE_AND_PSK_ID, infoHash, last])).subarray(0, 12);
  return open("chacha20-poly1305", key, nonce, NO_BYTES, wrappedKey);
}

/** Opens C: the one sealed segment in it. */
export function openContent(contentKey: Buffer, { rawHeader, ciphertext }: EnvelopeParts): Buffer {
  const aad = Buffer.concat([ENCRYPTED, rawHeader, ENVELOPE_TYPE]);
  return new WireReader(open("aes-256-gcm", contentKey, ZERO_NONCE, aad, ciphertext), 1).byteString();
}

/** Derives the segment's key and opens it. */
export function openSegmentPlain(storageKey: Uint8Array, segment: SegmentParts): Buffer {
  const info = Buffer.concat([SEGMENT_INFO, segment.rawPlace, segment.rawUse]);
  const key = new Uint8Array(hkdfSync("sha256", storageKey, segment.salt, info, 64), 0, 32);
  const aad = Buffer.concat([ENCRYPTED0, segment.rawHeader, SEGMENT_TYPE]);
  return open("aes-256-gcm", key, ZERO_NONCE, aad, segment.ciphertext);
}

/** h of the segment; P' of its samples is computed and, since nothing is checked here, dropped. */
export function digest(sealed: Buffer, encoded: Buffer): Buffer {
  hash("sha256", encoded, "buffer");
  return hash("sha256", sealed, "buffer");
}

/** A data package: salt, h, and the plaintext sealed under a key from the salt. Its memory is its own. */
export function sealPackageBare(dataKey: Uint8Array, h: Buffer, plain: Buffer): Uint8Array {
  const headBytes = 64;
  const bytes = new Uint8Array(headBytes + plain.length + TAG_BYTES);
  const head = bytes.subarray(0, headBytes);
  randomFillSync(head, 0, 32);
  head.set(h, 32);
  const key = new Uint8Array(hkdfSync("sha256", dataKey, head.subarray(0, 32), PACKAGE_INFO, 32));
  const cipher = createCipheriv("aes-256-gcm", key, ZERO_NONCE, GCM);
  cipher.setAAD(head);
  bytes.set(cipher.update(plain), headBytes);
  cipher.final();
  bytes.set(cipher.getAuthTag(), headBytes + plain.length);
  return bytes;
}

/** A receipt: h and the signature over it. */
export function signReceipt(key: KeyObject, h: Buffer): Buffer {
  return Buffer.concat([h, sign(null, h, key)]);
}
