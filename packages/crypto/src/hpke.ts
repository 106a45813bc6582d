/**
 * HPKE, one shot, with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305, in base and PSK mode.
 *
 * Written on node:crypto because the server opens one per envelope; judged by RFC 9180's vectors and by the `hpke` library.
 *
 * Source: RFC 9180 §4 to §6, §7.
 */
import { concatBytes, utf8 } from "@pericard/protocol";
import { aeadOpen, aeadSeal } from "./aead.ts";
import { hkdfExpand, hkdfExtract } from "./hash.ts";
import { rawPublicKey, x25519, x25519Public, type KeyObject } from "./keys.ts";

const EMPTY = new Uint8Array(0);
const VERSION = utf8("HPKE-v1");
const KEM_SUITE = concatBytes(utf8("KEM"), Uint8Array.of(0x00, 0x20));
const SUITE = concatBytes(utf8("HPKE"), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03));
const MODE = { base: 0, psk: 1 } as const;

/** A pre-shared key of at least 32 bytes and its name. */
export interface Psk {
  readonly key: Uint8Array;
  readonly id: Uint8Array;
}

/** What both sides agree on. Without `psk` the mode is base. */
export interface HpkeContext {
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly psk?: Psk;
}

/** What the sender puts on the wire: enc, 32 bytes, and the ciphertext with its tag. */
export interface HpkeSealed {
  readonly encapsulatedKey: Uint8Array;
  readonly ciphertext: Uint8Array;
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, inputKey: Uint8Array): Uint8Array {
  return hkdfExtract(salt, concatBytes(VERSION, suite, utf8(label), inputKey));
}

function labeledExpand(suite: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, sizeBytes: number) {
  const length = Uint8Array.of(sizeBytes >> 8, sizeBytes & 0xff);
  return hkdfExpand(prk, concatBytes(length, VERSION, suite, utf8(label), info), sizeBytes);
}

function kemSecret(dh: Uint8Array, encapsulatedKey: Uint8Array, recipientPublic: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM_SUITE, EMPTY, "eae_prk", dh);
  return labeledExpand(KEM_SUITE, prk, "shared_secret", concatBytes(encapsulatedKey, recipientPublic), 32);
}

function keySchedule(sharedSecret: Uint8Array, context: HpkeContext): { key: Uint8Array; nonce: Uint8Array } {
  const { info, psk } = context;
  if (psk && (psk.key.length < 32 || psk.id.length === 0)) throw new RangeError("psk: expected 32 bytes and a name");
  const scheduleContext = concatBytes(
    Uint8Array.of(psk ? MODE.psk : MODE.base),
    labeledExtract(SUITE, EMPTY, "psk_id_hash", psk?.id ?? EMPTY),
    labeledExtract(SUITE, EMPTY, "info_hash", info),
  );
  const secret = labeledExtract(SUITE, sharedSecret, "secret", psk?.key ?? EMPTY);
  return {
    key: labeledExpand(SUITE, secret, "key", scheduleContext, 32),
    nonce: labeledExpand(SUITE, secret, "base_nonce", scheduleContext, 12),
  };
}

/** Seals to a recipient. `ephemeral` is a fresh X25519 private key, used once. */
export function hpkeSeal(
  recipient: KeyObject,
  ephemeral: KeyObject,
  context: HpkeContext,
  plain: Uint8Array,
): HpkeSealed {
  const encapsulatedKey = rawPublicKey(ephemeral);
  const secret = kemSecret(x25519(ephemeral, recipient), encapsulatedKey, rawPublicKey(recipient));
  const { key, nonce } = keySchedule(secret, context);
  return { encapsulatedKey, ciphertext: aeadSeal("chacha20-poly1305", key, context.aad, plain, nonce) };
}

/** A recipient's key pair with its raw public half at hand, so that opening exports nothing. */
export interface HpkeKeyPair {
  readonly privateKey: KeyObject;
  readonly publicBytes: Uint8Array;
}

/** Opens what {@link hpkeSeal} made. @throws {CryptoError} ERR_SHARED_SECRET or ERR_SEAL_BROKEN. */
export function hpkeOpen(recipient: HpkeKeyPair, sealed: HpkeSealed, context: HpkeContext): Uint8Array {
  const dh = x25519(recipient.privateKey, x25519Public(sealed.encapsulatedKey));
  const { key, nonce } = keySchedule(kemSecret(dh, sealed.encapsulatedKey, recipient.publicBytes), context);
  return aeadOpen("chacha20-poly1305", key, context.aad, sealed.ciphertext, nonce);
}
