/**
 * The installation's root key and the server keys that it vouches for.
 *
 * Source: design of docs/keys.md; docs/format.md §7.6.
 */
import {
  CryptoError,
  ed25519Private,
  keyIdOf,
  openWithPassphrase,
  rawPublicKey,
  sealWithPassphrase,
  sha256,
  signMessage,
  x25519Private,
  type RandomSource,
} from "@pericard/crypto";
import { KeyId, KeyStatement, readBytes, type KeyPurpose } from "@pericard/protocol";
import { CustodyError } from "./errors.ts";
import type { Kek } from "./kek.ts";
import { blobColumn, integerColumn, textColumn, type Row } from "./rows.ts";
import type { RowWriter } from "./key-database.ts";

/** One key of the server as stored. The private half is a raw 32-byte key. */
export interface ServerKey {
  readonly keyId: KeyId;
  readonly purpose: KeyPurpose;
  readonly version: number;
  readonly publicBytes: Uint8Array;
  readonly privateBytes: Uint8Array;
  /** The signed key statement for terminals. */
  readonly statement: Uint8Array;
  readonly notBeforeUnixMs: number;
  readonly notAfterUnixMs: number;
}

/** How long a server key serves: ten years, a terminal's life. Rotation shortens it. */
const KEY_LIFETIME_MS = 10 * 366 * 24 * 3600 * 1000;

const ROOT_PURPOSE = "root";

/** The installation's root: it signs key statements and then leaves the server. */
export interface RootKey {
  readonly seed: Uint8Array;
  readonly publicBytes: Uint8Array;
  /** First 16 bytes of SHA-256 of the public key: what each terminal is given at the factory. */
  readonly pin: Uint8Array;
}

/** Draws a root key. */
export function drawRootKey(random: RandomSource): RootKey {
  return rootOf(random(32));
}

/** The root key as a file to take off the server, under a passphrase. */
export function sealRootKey(root: RootKey, passphrase: Uint8Array, random: RandomSource): Uint8Array {
  return sealWithPassphrase(passphrase, ROOT_PURPOSE, root.seed, random);
}

/**
 * Opens the root key's file.
 *
 * @throws {CustodyError} ERR_ROOT_KEY_PASSPHRASE, ERR_ROOT_KEY when the file is none or is damaged.
 */
export function openRootKey(passphrase: Uint8Array, file: Uint8Array): RootKey {
  try {
    const seed = openWithPassphrase(passphrase, ROOT_PURPOSE, file);
    return rootOf(readBytes("root key", seed, 32));
  } catch (cause) {
    const isWrong = cause instanceof CryptoError && cause.code === "ERR_PASSPHRASE_WRONG";
    throw isWrong
      ? new CustodyError("ERR_ROOT_KEY_PASSPHRASE", "passphrase does not open the root key", { cause })
      : new CustodyError("ERR_ROOT_KEY", "file is not a root key", { cause });
  }
}

function rootOf(seed: Uint8Array): RootKey {
  const publicBytes = rawPublicKey(ed25519Private(seed));
  return { seed, publicBytes, pin: sha256(publicBytes).slice(0, 16) };
}

function publicOf(purpose: KeyPurpose, raw: Uint8Array): Uint8Array {
  return rawPublicKey(purpose === "hpke" ? x25519Private(raw) : ed25519Private(raw));
}

/** Draws a server key and has the root vouch for it. */
export function issueServerKey(
  root: RootKey,
  purpose: KeyPurpose,
  version: number,
  nowUnixMs: number,
  random: RandomSource,
): ServerKey {
  const privateBytes = random(32);
  const publicBytes = publicOf(purpose, privateBytes);
  const times = { notBeforeUnixMs: nowUnixMs, notAfterUnixMs: nowUnixMs + KEY_LIFETIME_MS };
  const payload = KeyStatement.encode({
    version,
    purpose,
    publicKey: publicBytes,
    rootPublicKey: root.publicBytes,
    ...times,
  });
  const rootId = KeyId.toBytes(keyIdOf(root.publicBytes));
  const statement = signMessage(ed25519Private(root.seed), "pericard/key-statement", rootId, payload);
  return { keyId: keyIdOf(publicBytes), purpose, version, publicBytes, privateBytes, statement, ...times };
}

/** A row's values, the private half sealed under the KEK. */
export function serverKeyRow(key: ServerKey, kek: Kek) {
  const sealedPrivate = kek.seal(["server-key", KeyId.toBytes(key.keyId)], key.privateBytes);
  return (database: RowWriter): void => {
    database.run(
      "INSERT INTO server_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      key.keyId,
      key.purpose,
      key.version,
      key.publicBytes,
      sealedPrivate,
      key.statement,
      key.notBeforeUnixMs,
      key.notAfterUnixMs,
    );
  };
}

/** Reads one row. @throws {CryptoError} ERR_SEAL_BROKEN when the KEK is another. */
export function readServerKey(row: Row, kek: Kek): ServerKey {
  const keyId = KeyId.parse(textColumn(row, "key_id"));
  return {
    keyId,
    purpose: textColumn(row, "purpose") === "hpke" ? "hpke" : "receipt",
    version: integerColumn(row, "version"),
    publicBytes: blobColumn(row, "public_key"),
    privateBytes: kek.open(["server-key", KeyId.toBytes(keyId)], blobColumn(row, "sealed_private")),
    statement: blobColumn(row, "statement"),
    notBeforeUnixMs: integerColumn(row, "not_before_ms"),
    notAfterUnixMs: integerColumn(row, "not_after_ms"),
  };
}
