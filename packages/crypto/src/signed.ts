/** Signing and verifying of typed messages. Source: docs/format.md §3.3; RFC 9052 §4.4. */
import { encodeSign1, encodeSignedHeader, sigStructure, type ParsedSigned, type SignedType } from "@pericard/protocol";
import { CryptoError } from "./errors.ts";
import { ed25519Sign, ed25519Verify, type KeyObject } from "./keys.ts";

/** Bytes of a signed message of one type. `keyIdBytes` is 8 bytes: a routing id or a server key's id. */
export function signMessage(key: KeyObject, type: SignedType, keyIdBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  const protectedBytes = encodeSignedHeader(type, keyIdBytes);
  const signature = ed25519Sign(key, sigStructure(protectedBytes, type, payload));
  return encodeSign1({ protectedBytes, payload, signature });
}

/** Verifies a parsed message under the key that its reader trusts for it. @throws {CryptoError} ERR_SIGNATURE_INVALID. */
export function verifyMessage(key: KeyObject, message: ParsedSigned): void {
  const covered = sigStructure(message.protectedBytes, message.type, message.payload);
  if (!ed25519Verify(key, covered, message.signature)) {
    throw new CryptoError("ERR_SIGNATURE_INVALID", "signature is not the sender's");
  }
}
