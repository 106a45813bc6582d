/**
 * Loading and opening of a module of suite paper-2018. Its image lies in a simulated module alone: an experiment needs no
 * TPM.
 *
 * Source: paper A §II.F; docs/format-paper-2018.md §8; docs/format.md §11.
 */
import { drawPaperRsaPair, PAPER_GROUP, SyntheticTenant } from "@pericard/crypto";
import { SUITE, type TenantId } from "@pericard/protocol";
import { loadImage, openImage } from "./adapter.ts";
import { TrsmError } from "./errors.ts";
import type { ImagePart } from "./image-part.ts";
import { IDENTITY_SEED_BYTES } from "./image-pericard-1.ts";
import { createPaperModule, type PaperModule } from "./paper-module.ts";
import { readPaperSecrets, writePaperSecrets } from "./paper-secrets.ts";
import { recordingRefusals } from "./refusals.ts";
import { softCell } from "./soft.ts";
import type { TrsmPorts } from "./trsm.ts";

/** What the factory loads. The module draws its own keys. */
export interface PaperTrsmLoad extends ImagePart {
  readonly rootPin: Uint8Array;
  /** P_K-S, SubjectPublicKeyInfo. */
  readonly serverPublicDer: Uint8Array;
}

/**
 * Loads an empty module for the tenant of the leave, once for life. Durable when it returns.
 *
 * @throws {CryptoError} ERR_SUITE_GUARD. @throws {TrsmError} ERR_TRSM_LOADED, ERR_TRSM_AUTHORISATION, ERR_TRSM_DISK_FULL,
 * ERR_TRSM_DISK.
 */
export function loadPaperTrsm(
  ports: TrsmPorts,
  leave: SyntheticTenant,
  authorisation: Uint8Array,
  load: PaperTrsmLoad,
): void {
  const { folder, random, nowUnixMs } = ports;
  const tenant = SyntheticTenant.idOf(leave);
  const { block, serial, blockIndex, rootPin, serverPublicDer } = load;
  recordingRefusals(folder, nowUnixMs, () =>
    loadImage(softCell(folder, random), authorisation, () => {
      const identitySeed = random(IDENTITY_SEED_BYTES);
      const pair = drawPaperRsaPair(leave);
      // Before the image: a folder whose image was written has all that goes with it.
      writePaperSecrets(folder, authorisation, { tenant, ...pair, serverPublicDer, identitySeed, rootPin }, random);
      return { suite: SUITE.paper2018, block, serial, blockIndex, ...PAPER_GROUP };
    }),
  );
}

/**
 * Opens a loaded module for a terminal of `tenant`.
 *
 * @throws {TrsmError} as {@link Trsm.open}; ERR_TRSM_IMAGE_FORMAT when the image is of suite pericard-1,
 * ERR_TRSM_PROVISION when it was loaded for another tenant.
 */
export function openPaperTrsm(ports: TrsmPorts, authorisation: Uint8Array, tenant: TenantId): PaperModule {
  const { folder, random, nowUnixMs } = ports;
  return recordingRefusals(folder, nowUnixMs, () => {
    const { image, counters } = openImage(softCell(folder, random), authorisation);
    if (image.suite !== SUITE.paper2018) {
      throw new TrsmError("ERR_TRSM_IMAGE_FORMAT", "image is of suite pericard-1, not paper-2018");
    }
    const secrets = readPaperSecrets(folder, authorisation);
    if (secrets.tenant !== tenant) {
      throw new TrsmError("ERR_TRSM_PROVISION", "provision names another tenant than the module was loaded for");
    }
    const leave = SyntheticTenant.admit({ id: secrets.tenant, synthetic: true });
    return createPaperModule(leave, image, secrets, counters, random);
  });
}
