/**
 * What a module of suite paper-2018 has beside its image, where the 1,024 bytes have no room for it.
 *
 *     CBOR[1, tenant, RSA private key, RSA public key, server's RSA public key, identity seed, root pin]
 *
 * as a blob under the authorisation value. It is written for a tenant that was created synthetic, and for no other.
 *
 * Source: docs/format-paper-2018.md §8.
 */
import { CryptoError, openBlob, sealBlob, type RandomSource } from "@pericard/crypto";
import type { Folder } from "@pericard/framelog";
import {
  decodeCanonical,
  encodeCbor,
  readBytes,
  readBytesUpTo,
  readInt,
  readTuple,
  TenantId,
} from "@pericard/protocol";
import { onDisk, TrsmError } from "./errors.ts";
import { IDENTITY_SEED_BYTES, ROOT_PIN_BYTES } from "./image-pericard-1.ts";

const SECRETS_FILE = "trsm.paper";
const CONTEXT = ["pericard/trsm-paper"] as const;
const FORMAT = 1;
const KEY_BYTES_MAX = 2048;
const SECRETS_BYTES_MAX = 4 * KEY_BYTES_MAX;

/** Keys of a terminal of suite paper-2018 that are not in its block. */
export interface PaperSecrets {
  /** The tenant that the factory loaded the module for. */
  readonly tenant: TenantId;
  /** S_K-R, PKCS#8, and P_K-R, SubjectPublicKeyInfo. */
  readonly privateDer: Uint8Array;
  readonly publicDer: Uint8Array;
  /** P_K-S, SubjectPublicKeyInfo. */
  readonly serverPublicDer: Uint8Array;
  /** Drawn inside the module; statuses and gaps, where the papers are silent, are signed as in pericard-1. */
  readonly identitySeed: Uint8Array;
  readonly rootPin: Uint8Array;
}

/** Whether a folder has the module of a terminal of suite paper-2018. What its image says is decided when it is opened. */
export function hasPaperSecrets(folder: Folder): boolean {
  return onDisk(() => folder.read(SECRETS_FILE)) !== undefined;
}

/** Writes the secrets, sealed, durably. */
export function writePaperSecrets(
  folder: Folder,
  authorisation: Uint8Array,
  secrets: PaperSecrets,
  random: RandomSource,
): void {
  const { privateDer, publicDer, serverPublicDer, identitySeed, rootPin } = secrets;
  const tenant = TenantId.toBytes(secrets.tenant);
  const plain = encodeCbor([FORMAT, tenant, privateDer, publicDer, serverPublicDer, identitySeed, rootPin]);
  onDisk(() => folder.replace(SECRETS_FILE, sealBlob(authorisation, CONTEXT, plain, random)));
}

/** @throws {TrsmError} ERR_TRSM_EMPTY without the file, ERR_TRSM_AUTHORISATION when it does not open. */
export function readPaperSecrets(folder: Folder, authorisation: Uint8Array): PaperSecrets {
  const sealed = onDisk(() => folder.read(SECRETS_FILE));
  if (!sealed) throw new TrsmError("ERR_TRSM_EMPTY", `${SECRETS_FILE} is missing: module has no rsa key`);
  const fields = readTuple("paper secrets", decodeCanonical(openSealed(authorisation, sealed), SECRETS_BYTES_MAX), 7);
  readInt("format", fields[0], FORMAT, FORMAT);
  return {
    tenant: TenantId.fromBytes(fields[1]),
    privateDer: readBytesUpTo("private key", fields[2], KEY_BYTES_MAX),
    publicDer: readBytesUpTo("public key", fields[3], KEY_BYTES_MAX),
    serverPublicDer: readBytesUpTo("server key", fields[4], KEY_BYTES_MAX),
    identitySeed: readBytes("identity seed", fields[5], IDENTITY_SEED_BYTES),
    rootPin: readBytes("root pin", fields[6], ROOT_PIN_BYTES),
  };
}

function openSealed(authorisation: Uint8Array, sealed: Uint8Array): Uint8Array {
  try {
    return openBlob(authorisation, CONTEXT, sealed);
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    throw new TrsmError("ERR_TRSM_AUTHORISATION", "authorisation is wrong or the module's file was changed", { cause });
  }
}
