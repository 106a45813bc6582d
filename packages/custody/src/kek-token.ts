/**
 * Custody of the key-encryption key by a PKCS#11 token: an AES-256 key that the token made and never gives.
 *
 * Each value is sealed inside the token by AES-GCM with a random nonce; a store seals far fewer than the 2^32 values that
 * NIST SP 800-38D §8.3 allows one key with such nonces.
 *
 * Source: PKCS #11 v2.40; docs/format.md §12.3.
 */
import { CryptoError, type BlobContext, type RandomSource } from "@pericard/crypto";
import { concatBytes, encodeCbor } from "@pericard/protocol";
import { CustodyError } from "./errors.ts";
import type { Kek } from "./kek.ts";
import { CK, errorNumber, ignoring, loadLibrary, type Handle, type Library } from "./pkcs11-library.ts";

const ID_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LABEL = "pericard-kek";

/** A token, and what lets one in. */
export interface TokenDoor {
  /** Path of the PKCS#11 module. It comes from the operator, never from the data folder: it is code. */
  readonly modulePath: string;
  /** Label of the token. */
  readonly tokenLabel: string;
  /** The user's PIN in UTF-8. */
  readonly pin: Uint8Array;
}

/** A key-encryption key inside a token. */
export interface TokenKey extends TokenDoor {
  /** 16 bytes: CKA_ID of the key. */
  readonly keyId: Uint8Array;
}

interface Session {
  readonly library: Library;
  readonly handle: Handle;
  readonly gcmParameter: number;
}

function openSession({ modulePath, tokenLabel, pin }: TokenDoor): Session {
  const { library, gcmParameter } = loadLibrary(modulePath);
  const slot = library.C_GetSlotList(true).find((one) => library.C_GetTokenInfo(one).label.trimEnd() === tokenLabel);
  if (!slot) throw new CustodyError("ERR_KEK_TOKEN", "no token of that label is there");
  const handle = library.C_OpenSession(slot, CK.serialSession | CK.rwSession);
  try {
    ignoring(CK.alreadyLoggedIn, () => library.C_Login(handle, CK.user, new TextDecoder().decode(pin)));
    return { library, handle, gcmParameter };
  } catch (cause) {
    library.C_CloseSession(handle);
    if (errorNumber(cause) !== CK.pinIncorrect) throw cause;
    throw new CustodyError("ERR_KEK_PASSPHRASE", "token does not take the PIN", { cause });
  }
}

/** Runs work on the token; what it cannot do has a code of this package. */
function onToken<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CustodyError || cause instanceof CryptoError) throw cause;
    throw new CustodyError("ERR_KEK_TOKEN", "token of the key-encryption key failed", { cause });
  }
}

const { attribute } = CK;

/**
 * Has the token make a new key-encryption key.
 *
 * @throws {CustodyError} ERR_KEK_TOKEN, ERR_KEK_PASSPHRASE when the PIN is wrong.
 */
export function createTokenKey(door: TokenDoor, random: RandomSource): TokenKey {
  return onToken(() => {
    const { library, handle } = openSession(door);
    const keyId = random(ID_BYTES);
    try {
      library.C_GenerateKey(handle, { mechanism: CK.keyGen }, [
        ...identity(keyId),
        { type: attribute.label, value: LABEL },
        { type: attribute.token, value: true },
        { type: attribute.private, value: true },
        { type: attribute.sensitive, value: true },
        { type: attribute.extractable, value: false },
        { type: attribute.encrypt, value: true },
        { type: attribute.decrypt, value: true },
        { type: attribute.wrap, value: false },
        { type: attribute.unwrap, value: false },
        { type: attribute.valueLength, value: KEY_BYTES },
      ]);
      return { ...door, keyId };
    } finally {
      library.C_CloseSession(handle);
    }
  });
}

function identity(keyId: Uint8Array) {
  return [
    { type: attribute.class, value: CK.secretKey },
    { type: attribute.keyType, value: CK.aes },
    { type: attribute.id, value: Buffer.from(keyId) },
  ];
}

function findKey({ library, handle }: Session, keyId: Uint8Array): Handle {
  library.C_FindObjectsInit(handle, identity(keyId));
  const [key] = library.C_FindObjects(handle, 1);
  library.C_FindObjectsFinal(handle);
  if (!key) throw new CustodyError("ERR_KEK_TOKEN", "token does not have the key-encryption key");
  return key;
}

/**
 * Opens a key-encryption key in its token.
 *
 * @throws {CustodyError} ERR_KEK_TOKEN when token, key or module are not there, ERR_KEK_PASSPHRASE when the PIN is wrong.
 */
export function openTokenKek(token: TokenKey, random: RandomSource): Kek {
  return onToken(() => {
    const session = openSession(token);
    try {
      return sessionKek(session, findKey(session, token.keyId), random);
    } catch (error) {
      session.library.C_CloseSession(session.handle);
      throw error;
    }
  });
}

function sessionKek({ library, handle, gcmParameter }: Session, key: Handle, random: RandomSource): Kek {
  const gcm = (context: BlobContext, nonce: Uint8Array) => ({
    mechanism: CK.gcm,
    parameter: {
      type: gcmParameter,
      iv: Buffer.from(nonce),
      ivBits: 8 * NONCE_BYTES,
      aad: Buffer.from(encodeCbor(context)),
      tagBits: 8 * TAG_BYTES,
    },
  });
  return {
    seal: (context, plain) =>
      onToken(() => {
        const nonce = random(NONCE_BYTES);
        library.C_EncryptInit(handle, gcm(context, nonce), key);
        const room = Buffer.alloc(plain.length + TAG_BYTES);
        return concatBytes(nonce, library.C_Encrypt(handle, Buffer.from(plain), room));
      }),
    open: (context, sealed) => {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) throw broken();
      return onToken(() => {
        library.C_DecryptInit(handle, gcm(context, sealed.subarray(0, NONCE_BYTES)), key);
        const body = Buffer.from(sealed.subarray(NONCE_BYTES));
        return decrypted(() => library.C_Decrypt(handle, body, Buffer.alloc(body.length)));
      });
    },
    close: () => library.C_CloseSession(handle),
  };
}

/** What tokens answer to a tag that does not fit: the standard's codes, and the general ones that some give instead. */
const BROKEN: ReadonlySet<number> = new Set(Object.values(CK.error));

function decrypted(work: () => Buffer): Uint8Array {
  try {
    return new Uint8Array(work());
  } catch (cause) {
    if (BROKEN.has(errorNumber(cause))) throw broken(cause);
    throw cause;
  }
}

function broken(cause?: unknown): CryptoError {
  return new CryptoError("ERR_SEAL_BROKEN", "sealed bytes do not open", { cause });
}
