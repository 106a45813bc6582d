/** Whose recordings are, and their data keys. */
import {
  msBeforeFirstFrame,
  type BootId,
  type PatientId,
  type RecordingId,
  type SegmentDescriptor,
  type TerminalId,
} from "@pericard/protocol";
import type { RecordingKey, Tombstone } from "@pericard/custody";
import type { Catalog } from "../catalog/catalog.ts";
import { codeOf, ServerError } from "../errors.ts";
import type { KeyStorePort } from "./key-store.ts";
import { Lru } from "./lru.ts";

const RECORDINGS_MAX = 20_000;

/** Data keys of recordings, drawn at their first segment. */
export class RecordingKeys {
  readonly #keyStore: KeyStorePort;
  readonly #catalog: Catalog;
  readonly #keys = new Lru<RecordingId, Promise<RecordingKey>>(RECORDINGS_MAX);

  constructor(keyStore: KeyStorePort, catalog: Catalog) {
    this.#keyStore = keyStore;
    this.#catalog = catalog;
  }

  /**
   * The data key of a terminal's recording. The first segment that comes decides whose the recording is.
   *
   * @throws {CustodyError} code ERR_RECORDING_UNKNOWN when the recording is another terminal's, ERR_RECORDING_ERASED when it or
   * its patient was erased.
   */
  async obtain(
    recording: RecordingId,
    serial: TerminalId,
    descriptor: SegmentDescriptor,
    nowUnixMs: number,
  ): Promise<RecordingKey> {
    const known = this.#keys.get(recording);
    const key = await (known ?? this.#remember(recording, this.#draw(recording, serial, descriptor, nowUnixMs)));
    if (key.terminal !== serial) throw new ServerError("ERR_MESSAGE_REFUSED", "recording is another terminal's");
    return key;
  }

  /** The data key of a recording that is stored. @throws {ServerError} ERR_NOT_FOUND. */
  async get(recording: RecordingId): Promise<RecordingKey> {
    return this.#keys.get(recording) ?? this.#remember(recording, this.#find(recording));
  }

  /** Whose terminal's a recording is; null when nothing of it was stored. */
  async findTerminal(recording: RecordingId): Promise<TerminalId | null> {
    try {
      return (await this.get(recording)).terminal;
    } catch (error) {
      if (codeOf(error) === "ERR_NOT_FOUND") return null;
      throw error;
    }
  }

  /** What stands in the place of an erased recording's key. */
  findTombstone(recording: RecordingId): Promise<Tombstone | undefined> {
    return this.#keyStore.findTombstone(recording);
  }

  /** Forgets a key that was erased. */
  forget(recording: RecordingId): void {
    this.#keys.delete(recording);
  }

  #remember(recording: RecordingId, key: Promise<RecordingKey>): Promise<RecordingKey> {
    this.#keys.set(recording, key);
    key.catch(() => this.#keys.delete(recording));
    return key;
  }

  async #find(recording: RecordingId): Promise<RecordingKey> {
    const key = await this.#keyStore.findRecordingKey(recording);
    if (!key) throw new ServerError("ERR_NOT_FOUND", "recording has no data key");
    return key;
  }

  async #draw(
    recording: RecordingId,
    serial: TerminalId,
    descriptor: SegmentDescriptor,
    nowUnixMs: number,
  ): Promise<RecordingKey> {
    const known = await this.#keyStore.findRecordingKey(recording);
    if (known) return known;
    const patient = await this.#patientOf(serial, descriptor);
    return this.#keyStore.obtainRecordingKey(recording, serial, patient, nowUnixMs);
  }

  /**
   * The patient at the recording's first sample by server time. When that time is not measured, the patient only if the
   * terminal has never been anybody else's: a recording is never given to somebody by guessing.
   */
  async #patientOf(serial: TerminalId, descriptor: SegmentDescriptor): Promise<PatientId | null> {
    const assignments = await this.#keyStore.assignments(serial);
    const startUnixMs = await this.#measuredStart(serial, descriptor);
    if (startUnixMs !== null) {
      const current = assignments.findLast(
        ({ fromUnixMs, toUnixMs }) => fromUnixMs <= startUnixMs && (toUnixMs === null || toUnixMs > startUnixMs),
      );
      return current?.patient ?? null;
    }
    const patients = new Set(assignments.map(({ patient }) => patient));
    return patients.size === 1 ? ([...patients][0] ?? null) : null;
  }

  async #measuredStart(serial: TerminalId, descriptor: SegmentDescriptor): Promise<number | null> {
    const { boot } = descriptor;
    if (!boot) return null;
    const offsetMs = await this.#catalog.findBootOffset(serial, boot.bootId as BootId);
    return offsetMs === null ? null : Math.round(offsetMs + boot.monotonicMs - msBeforeFirstFrame(descriptor));
  }
}
