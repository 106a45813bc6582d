/**
 * A terminal of suite paper-2018 as ingest needs it: the keys that open what it sends.
 *
 * Source: docs/format-paper-2018.md §3, §5.
 */
import {
  paperRsaPrivate,
  paperRsaPublic,
  paperStorageKey,
  paperTransportKey,
  SyntheticTenant,
  type KeyObject,
  type TenantRecord,
} from "@pericard/crypto";

/** What the key store knows of such a terminal beside its registration. It gives nothing unless the tenant is synthetic. */
export interface PaperFacts {
  readonly tenant: TenantRecord;
  /** S_K-S of the tenant, PKCS#8. */
  readonly privateDer: Uint8Array;
  /** P_K-R, SubjectPublicKeyInfo. */
  readonly envelopePublicDer: Uint8Array;
}

export interface PaperPeer {
  readonly leave: SyntheticTenant;
  /** P_K-R. */
  readonly verifyKey: KeyObject;
  /** S_K-S. */
  readonly recipient: KeyObject;
  /** k_i, 8 bytes. */
  storageKey(index: number): Uint8Array;
  /** K_C of that index, 8 bytes. */
  transportKey(index: number): Uint8Array;
}

/** @throws {CryptoError} ERR_SUITE_GUARD unless the tenant was created synthetic. */
export function openPaperPeer({ tenant, privateDer, envelopePublicDer }: PaperFacts, block: Uint8Array): PaperPeer {
  const leave = SyntheticTenant.admit(tenant);
  return {
    leave,
    verifyKey: paperRsaPublic(leave, envelopePublicDer),
    recipient: paperRsaPrivate(leave, privateDer),
    storageKey: (index) => paperStorageKey(leave, block, index),
    transportKey: (index) => paperTransportKey(leave, block, index),
  };
}
