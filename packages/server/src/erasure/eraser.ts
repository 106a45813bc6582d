/** Erasing on somebody's word: keys first, then everything that names them, then the certificate. */
import type { Erasure, ErasureOrder } from "@pericard/custody";
import type { ErasureId, PatientId, RecordingId } from "@pericard/protocol";
import type { Audit } from "../access/audit.ts";
import { ServerError } from "../errors.ts";
import { certify, type CertificateFile, type CertificateParts } from "./certificate.ts";
import type { Erasures } from "./erasures.ts";

export interface EraserParts extends CertificateParts {
  readonly erasures: Erasures;
  readonly audit: Audit;
  /** Copies that the key store should have: an erasure that does not reach all of them could be undone by the one that was away. */
  readonly keyCopiesWanted: number;
}

/** Erases, and tells what was erased. */
export class Eraser {
  readonly #parts: EraserParts;

  constructor(parts: EraserParts) {
    this.#parts = parts;
  }

  /**
   * Erases a patient with all recordings. When it resolves, nothing opens any more, nothing is shown on this server, and the
   * chain lies on the volumes as stubs; other servers follow within a second. Asked again, it answers the same.
   *
   * @throws {CustodyError} codes ERR_PATIENT_UNKNOWN, ERR_LEGAL_HOLD; ERR_KEYSTORE_COPY; {ServerError} ERR_STORE_UNAVAILABLE when a
   * copy of the key store is away, and nothing is erased; or when keys are erased, but stubs could not be stored: the server tries
   * again by itself.
   */
  async erasePatient(patient: PatientId, order: ErasureOrder): Promise<CertificateFile> {
    await this.#requireEveryCopy();
    return this.#finish(await this.#parts.keyStore.erasePatient(patient, order));
  }

  /** As {@link erasePatient}, for recordings of one tenant. @throws also ERR_RECORDING_UNKNOWN. */
  async eraseRecordings(recordings: readonly RecordingId[], order: ErasureOrder): Promise<CertificateFile> {
    await this.#requireEveryCopy();
    return this.#finish(await this.#parts.keyStore.eraseRecordings(recordings, order));
  }

  /** The certificate of an erasure. @throws {CustodyError} code ERR_ERASURE_UNKNOWN. */
  async certificateOf(id: ErasureId): Promise<CertificateFile> {
    return certify(this.#parts, await this.#parts.keyStore.getErasure(id));
  }

  async #requireEveryCopy(): Promise<void> {
    const { keyStore, keyCopiesWanted } = this.#parts;
    if ((await keyStore.copyCount()) >= keyCopiesWanted) return;
    const message =
      "a copy of the key store is away, and would still have the keys: bring its volume back, restart, erase again";
    throw new ServerError("ERR_STORE_UNAVAILABLE", message);
  }

  async #finish(erasure: Erasure): Promise<CertificateFile> {
    const { erasures, audit } = this.#parts;
    await erasures.catchUp();
    await audit.record({ actor: erasure.by, action: "erase", subject: erasure.id, outcome: "done" });
    await erasures.pack();
    return certify(this.#parts, erasure);
  }
}
