/** The signed document that says what was erased. Source: docs/format.md §7.11, §12.9. */
import { sha256, signMessage } from "@pericard/crypto";
import type { Erasure, Tombstone } from "@pericard/custody";
import {
  CERTIFICATE_RECORDINGS_MAX,
  concatBytes,
  encodeCbor,
  ErasureCertificate,
  KeyId,
  toHex,
  type ErasedRecording,
} from "@pericard/protocol";
import type { Catalog, StubRow } from "../catalog/catalog.ts";
import type { KeyStorePort } from "../keys/key-store.ts";
import type { StatementSigner } from "../keys/server-keys.ts";

const DAY_MS = 24 * 3600 * 1000;

export interface CertificateParts {
  readonly keyStore: KeyStorePort;
  readonly catalog: Catalog;
  readonly keys: StatementSigner;
  /** Days for which backups of the key store are kept. */
  readonly keyBackupDays: number;
}

/** A certificate as it is given to people: readable, with the signed parts and what they are verified by. */
export interface CertificateFile {
  readonly format: "pericard/erasure-certificate";
  readonly version: 1;
  /** The same as the signed parts say, for whoever reads it. */
  readonly summary: {
    readonly erasure: string;
    readonly tenant: string;
    readonly patient: string | null;
    readonly erasedAt: string;
    readonly reason: string;
    readonly by: string;
    readonly recordingCount: number;
    readonly segmentCount: number;
    readonly keyStoreCopies: number;
    readonly backupsExpireAt: string;
    readonly whatMayStillExist: readonly string[];
  };
  /** Signed parts, in hexadecimal. */
  readonly signed: readonly string[];
  /** The root's statement of the key that signed them, in hexadecimal. */
  readonly keyStatement: string;
}

/** What no server can undo. The same is said in docs/threat-model.md. */
const WHAT_MAY_STILL_EXIST = [
  "Backups of the key store from before the erasure hold the keys until the day named here. Who restores one must erase again.",
  "Exports, prints and screens of people who were allowed to read before.",
  "Uploads that somebody copied off the network open to a thief of both the terminal's key block and the server's HPKE key.",
  "What a terminal recorded without contact cannot be dated when it comes: it is nobody's, and is to be erased by its id.",
  "What a terminal still has in its journal goes when it next reaches the server; it opens with that terminal's module alone.",
];

/** H over the stubs of a recording. Source: docs/format.md §7.11. */
export function stubDigest(stubs: readonly StubRow[]): Uint8Array {
  return sha256(
    concatBytes(
      ...stubs.map(({ stream, sequence, hash, prev, final }) => encodeCbor([stream, sequence, hash, prev, final])),
    ),
  );
}

async function describe(catalog: Catalog, { recording, terminal }: Tombstone): Promise<ErasedRecording> {
  const stubs = await catalog.findStubs(recording);
  return { recording, terminal, segmentCount: stubs.length, stubDigest: stubDigest(stubs) };
}

/** Makes the certificate of an erasure, as of now: what of it came only later is in it too. */
export async function certify(parts: CertificateParts, erasure: Erasure): Promise<CertificateFile> {
  const { keyStore, catalog, keys, keyBackupDays } = parts;
  const key = keys.statementKey;
  const recordings: ErasedRecording[] = [];
  for (const tombstone of erasure.tombstones) recordings.push(await describe(catalog, tombstone));
  const { id, tenant, patient, atUnixMs, reason, by } = erasure;
  const facts = {
    erasure: id,
    tenant,
    patient,
    erasedAtUnixMs: atUnixMs,
    reason,
    by,
    keyCopyCount: await keyStore.copyCount(),
    backupsExpireAtUnixMs: atUnixMs + keyBackupDays * DAY_MS,
  };
  const partCount = Math.max(1, Math.ceil(recordings.length / CERTIFICATE_RECORDINGS_MAX));
  const signed = Array.from({ length: partCount }, (_, i) => {
    const from = i * CERTIFICATE_RECORDINGS_MAX;
    const some = recordings.slice(from, from + CERTIFICATE_RECORDINGS_MAX);
    const payload = ErasureCertificate.encode({ ...facts, part: i + 1, partCount, recordings: some });
    return signMessage(key.privateKey, "pericard/erasure", KeyId.toBytes(key.keyId), payload);
  });
  const serverKeys = await keyStore.serverKeys("receipt");
  const statement = serverKeys.find(({ keyId }) => keyId === key.keyId)?.statement ?? new Uint8Array(0);
  return describeCertificate(facts, recordings, signed, statement);
}

/** The file of signed parts, with what they say in words. */
export function describeCertificate(
  facts: Omit<ErasureCertificate, "part" | "partCount" | "recordings">,
  recordings: readonly ErasedRecording[],
  signed: readonly Uint8Array[],
  keyStatement: Uint8Array,
): CertificateFile {
  const { erasure, tenant, patient, erasedAtUnixMs, reason, by, keyCopyCount, backupsExpireAtUnixMs } = facts;
  return {
    format: "pericard/erasure-certificate",
    version: 1,
    summary: {
      erasure,
      tenant,
      patient,
      erasedAt: new Date(erasedAtUnixMs).toISOString(),
      reason,
      by,
      recordingCount: recordings.length,
      segmentCount: recordings.reduce((sum, { segmentCount }) => sum + segmentCount, 0),
      keyStoreCopies: keyCopyCount,
      backupsExpireAt: new Date(backupsExpireAtUnixMs).toISOString(),
      whatMayStillExist: WHAT_MAY_STILL_EXIST,
    },
    signed: signed.map(toHex),
    keyStatement: toHex(keyStatement),
  };
}
