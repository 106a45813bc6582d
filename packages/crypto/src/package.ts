/** Sealing and opening of data packages under a recording's data key. Source: docs/format.md §8; paper B §3, Table 2. */
import {
  decodePackageBody,
  encodePackageBody,
  encodePackageHeader,
  encodeCbor,
  PACKAGE_BYTES_MAX,
  PACKAGE_TYPE,
  ProtocolError,
  RecordingId,
  type PackageHeader,
  type ParsedPackage,
} from "@pericard/protocol";
import type { RandomSource } from "./random.ts";
import { deriveMessageKey, openEncrypt0, SALT_BYTES, sealEncrypt0, type MessageKey } from "./seal-encrypt0.ts";

/** A header before sealing: salt and commitment are made while sealing. */
export type PackageHeaderDraft = Omit<PackageHeader, "salt" | "commitment">;

function packageKey(dataKey: Uint8Array, salt: Uint8Array, recording: RecordingId): MessageKey {
  return deriveMessageKey(salt, dataKey, encodeCbor(["package", RecordingId.toBytes(recording)]));
}

/**
 * Seals one data package: the bytes that every copy has. `data[i]` is the plaintext of the segment of `items[i]`.
 *
 * @throws {ProtocolError} when header, body or length is one that no reader takes.
 */
export function sealPackage(
  dataKey: Uint8Array,
  draft: PackageHeaderDraft,
  data: readonly Uint8Array[],
  random: RandomSource,
): Uint8Array {
  const salt = random(SALT_BYTES);
  const messageKey = packageKey(dataKey, salt, draft.recording);
  const protectedBytes = encodePackageHeader({ ...draft, salt, commitment: messageKey.commitment });
  const body = encodePackageBody(data, draft.items);
  const sealed = sealEncrypt0(messageKey, protectedBytes, PACKAGE_TYPE, body);
  if (sealed.length <= PACKAGE_BYTES_MAX) return sealed;
  throw new ProtocolError("ERR_LENGTH_LIMIT", `data package would be ${sealed.length} bytes`);
}

/** Data_1 … Data_n of an opened package, and the body that they are views of. */
export interface OpenedPackage {
  readonly data: readonly Uint8Array[];
  readonly body: Uint8Array;
}

/**
 * Opens one data package.
 *
 * @throws {CryptoError} ERR_KEY_COMMITMENT or ERR_SEAL_BROKEN; @throws {ProtocolError} when the body does not fit.
 */
export function openPackage(dataKey: Uint8Array, parsed: ParsedPackage): OpenedPackage {
  const { salt, commitment, recording, items } = parsed.header;
  const body = openEncrypt0(packageKey(dataKey, salt, recording), commitment, parsed, PACKAGE_TYPE);
  return { data: decodePackageBody(body, items), body };
}
