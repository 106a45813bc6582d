/**
 * The key store: what must never be in packs, catalog or queues. Its parts are beside this file, by subject.
 *
 * Calls are synchronous and wait for the disk: a server runs them in a thread of its own.
 *
 * Source: docs/keys.md; docs/format.md §12.
 */
import type { RandomSource, SyntheticTenant } from "@pericard/crypto";
import {
  SUITE,
  type ErasureId,
  type KeyPurpose,
  type PatientId,
  type RecordingId,
  type RoutingId,
  type TenantId,
  type TerminalId,
} from "@pericard/protocol";
import * as accounts from "./accounts.ts";
import * as assignments from "./assignments.ts";
import type {
  Account,
  Assignment,
  DataType,
  Erasure,
  ErasureOrder,
  HoldOrder,
  KeyAlarm,
  KeyChangeEnd,
  KeyLife,
  KeyMark,
  LegalHold,
  NewKeyChange,
  NewKeyOrder,
  PaperTerminalKeys,
  Patient,
  RecordingKey,
  RetentionRule,
  Tenant,
  Terminal,
  TerminalBlock,
  TerminalKeys,
  Tombstone,
} from "./entities.ts";
import * as erasures from "./erasures.ts";
import * as holders from "./holders.ts";
import { Handover } from "./handover.ts";
import { Intakes } from "./intakes.ts";
import { openKekAccess, type KekAccess } from "./kek.ts";
import type { CheckPosition, CopyDamage } from "./key-database.ts";
import { createKeyDatabase, openKeyDatabase, type KeyStorePlace } from "./key-store-place.ts";
import * as keyLife from "./key-life.ts";
import * as legalHolds from "./legal-holds.ts";
import { migrate } from "./migrate.ts";
import * as paper from "./paper-2018.ts";
import * as recordings from "./recordings.ts";
import * as retention from "./retention.ts";
import { rewrap } from "./rewrap.ts";
import { textColumn } from "./rows.ts";
import { ServerIdentity } from "./server-identity.ts";
import {
  drawRootKey,
  issueServerKey,
  readServerKey,
  serverKeyRow,
  type RootKey,
  type ServerKey,
} from "./server-keys.ts";
import { obtainSequenceKey, type MasterSequenceKey } from "./sequence-key.ts";
import { kekGenerationOf, selectRows, type StoreContext } from "./store-context.ts";
import * as terminals from "./terminals.ts";

function only<T>(values: readonly T[]): T {
  const [value] = values;
  if (value === undefined) throw new TypeError("expected one value, got none");
  return value;
}

/** The open key store. */
export class KeyStore {
  readonly #context: StoreContext;

  private constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Creates the store of a new installation with its root and server keys.
   *
   * @returns the store, and the root key, which the caller takes off the server.
   * @throws {CustodyError} ERR_KEYSTORE_EXISTS when the place has a store.
   */
  static create(
    place: KeyStorePlace,
    kek: KekAccess,
    nowUnixMs: number,
    random: RandomSource,
  ): { store: KeyStore; root: RootKey } {
    const root = drawRootKey(random);
    const keys = (["hpke", "receipt"] as const).map((purpose) => issueServerKey(root, purpose, 1, nowUnixMs, random));
    const opened = openKekAccess(kek, random);
    const rows = keys.map((key) => serverKeyRow(key, opened));
    const database = createKeyDatabase(place);
    database.commit((writer) => {
      for (const row of rows) row(writer);
      writer.run("INSERT INTO meta VALUES ('root_public', ?)", Buffer.from(root.publicBytes).toString("hex"));
    });
    return { store: new KeyStore({ database, kek: opened, kekGeneration: 0, random }), root };
  }

  /**
   * Opens the store; of copies, from whichever folder has it, and makes them equal.
   *
   * @throws {CustodyError} ERR_KEYSTORE_MISSING, ERR_KEYSTORE_FORMAT for a version that is not known.
   */
  static open(place: KeyStorePlace, kek: KekAccess, random: RandomSource): KeyStore {
    const database = openKeyDatabase(place);
    const opened = openKekAccess(kek, random);
    migrate(database, opened, random);
    return new KeyStore({ database, kek: opened, kekGeneration: kekGenerationOf(database), random });
  }

  /** Changes whenever another process changed the store, so that caches know. */
  get dataVersion(): number {
    return this.#context.database.dataVersion;
  }

  /** Copies that every commit reaches. */
  get copyCount(): number {
    return this.#context.database.copyCount;
  }

  /** Compares the next rows of every copy, and heals: see KeyDatabase. undefined begins, and is the end. */
  check(from: CheckPosition | undefined): CheckPosition | undefined {
    return this.#context.database.check(from);
  }

  /** Damages of copies that were found and not taken yet; whoever takes them tells them. */
  takeDamages(): readonly CopyDamage[] {
    return this.#context.database.takeDamages();
  }

  close(): void {
    this.#context.database.close();
    this.#context.kek.close();
  }

  /**
   * Seals everything anew that the key-encryption key seals: all or nothing. The store has to be opened anew then.
   *
   * @returns how many values.
   * @throws {CustodyError} ERR_KEK_CHANGED, ERR_KEK_TOKEN, ERR_KEYSTORE_COPY.
   */
  rewrap(next: KekAccess): number {
    const opened = openKekAccess(next, this.#context.random);
    try {
      return rewrap(this.#context, opened);
    } finally {
      opened.close();
    }
  }

  /** What factories on other machines hand over to this server. */
  get intakes(): Intakes {
    return new Intakes(this.#context);
  }

  /** The intake that this factory's folder belongs to, if it is one. */
  get handover(): Handover {
    return new Handover(this.#context);
  }

  /** Raw 32 bytes of the root's public key. */
  get rootPublicKey(): Uint8Array {
    const [row] = selectRows(this.#context, "SELECT value FROM meta WHERE name = 'root_public'");
    return new Uint8Array(Buffer.from(textColumn(row ?? {}, "value"), "hex"));
  }

  /** The change of the server's keys. */
  get identity(): ServerIdentity {
    return new ServerIdentity(this.#context);
  }

  /** Every key of one purpose that was not destroyed, newest version first. */
  serverKeys(purpose: KeyPurpose): readonly ServerKey[] {
    const rows = selectRows(
      this.#context,
      "SELECT * FROM server_keys WHERE purpose = ? AND LENGTH(sealed_private) > 0 ORDER BY version DESC",
      purpose,
    );
    return rows.map((row) => readServerKey(row, this.#context.kek));
  }

  addTenant(name: string, synthetic: boolean, nowUnixMs: number): Tenant {
    return holders.addTenant(this.#context, name, synthetic, nowUnixMs);
  }

  tenants(): readonly Tenant[] {
    return holders.tenants(this.#context);
  }

  /** @throws {CustodyError} ERR_PATIENT_EXISTS when the tenant has a patient of that name. */
  addPatient(tenant: TenantId, name: string, nowUnixMs: number): Patient {
    return holders.addPatient(this.#context, tenant, name, nowUnixMs);
  }

  /** Patients of one tenant in order of creation. */
  patients(tenant: TenantId): readonly Patient[] {
    return holders.patients(this.#context, tenant);
  }

  /** The key of the factory's master sequence; the first call draws it. */
  obtainSequenceKey(nowUnixMs: number): MasterSequenceKey {
    return obtainSequenceKey(this.#context, nowUnixMs);
  }

  /** Index of the next block of the master sequence that no terminal has. */
  get nextBlockIndex(): number {
    return terminals.nextBlockIndex(this.#context);
  }

  /**
   * Gives blocks, in ascending order of index, to new terminals, and keeps them before anything is written into a
   * terminal: one commit for all.
   *
   * @throws {CustodyError} ERR_SEQUENCE_INDEX when an index was given away before.
   */
  allocateTerminals(tenant: TenantId, blocks: readonly TerminalBlock[], nowUnixMs: number): readonly Terminal[] {
    return terminals.allocateTerminals(this.#context, tenant, blocks, nowUnixMs, SUITE.pericard1);
  }

  /** Gives a block that is in no sequence file to one new terminal. `block` is 960 bytes. */
  allocateTerminal(tenant: TenantId, block: Uint8Array, nowUnixMs: number): Terminal {
    return only(this.allocateTerminals(tenant, [{ index: this.nextBlockIndex, block }], nowUnixMs));
  }

  /** Leave for suite paper-2018, and the tenant's RSA key. @throws {CryptoError} ERR_SUITE_GUARD. */
  getPaperTenant(tenant: TenantId): paper.PaperTenant {
    return paper.getPaperTenant(this.#context, tenant);
  }

  /** Gives a block to one new terminal of suite paper-2018. @throws {CryptoError} ERR_SUITE_GUARD. */
  allocatePaperTerminal(leave: SyntheticTenant, block: TerminalBlock, nowUnixMs: number): Terminal {
    return paper.allocatePaperTerminal(this.#context, leave, block, nowUnixMs);
  }

  /** Registers a terminal of suite paper-2018 whose block was checked. @throws {CustodyError} ERR_TERMINAL_STATE. */
  activatePaperTerminal(keys: PaperTerminalKeys): Terminal {
    return paper.activatePaperTerminal(this.#context, keys);
  }

  /** RSA public key of a terminal of suite paper-2018, SubjectPublicKeyInfo; undefined for any other. */
  findEnvelopeKey(serial: TerminalId): Uint8Array | undefined {
    return paper.findEnvelopeKey(this.#context, serial);
  }

  /** Registers terminals whose deployment was verified: one commit for all. @throws {CustodyError} ERR_TERMINAL_STATE. */
  activateTerminals(verified: readonly TerminalKeys[]): readonly Terminal[] {
    return terminals.activateTerminals(this.#context, verified);
  }

  /** Registers one terminal. @throws {CustodyError} ERR_TERMINAL_STATE. */
  activateTerminal(serial: TerminalId, signPublicKey: Uint8Array, agreePublicKey: Uint8Array): Terminal {
    return only(this.activateTerminals([{ serial, signPublicKey, agreePublicKey }]));
  }

  /** Quarantined terminals are known, and nothing of them is taken any more: one commit for all. */
  quarantineTerminals(serials: readonly TerminalId[]): readonly Terminal[] {
    return terminals.quarantineTerminals(this.#context, serials);
  }

  quarantineTerminal(serial: TerminalId): Terminal {
    return only(this.quarantineTerminals([serial]));
  }

  /** @throws {CustodyError} ERR_TERMINAL_UNKNOWN. */
  getTerminal(serial: TerminalId): Terminal {
    return terminals.getTerminal(this.#context, serial);
  }

  findTerminalByRouting(routing: RoutingId): Terminal | undefined {
    return terminals.findTerminalByRouting(this.#context, routing);
  }

  terminals(tenant: TenantId): readonly Terminal[] {
    return terminals.terminals(this.#context, tenant);
  }

  /** The 960 bytes of a terminal's key block. @throws {CustodyError} ERR_TERMINAL_UNKNOWN. */
  openBlock(serial: TerminalId): Uint8Array {
    return terminals.openBlock(this.#context, serial);
  }

  /** From `nowUnixMs` on, what the terminal records is this patient's; null returns it to the unassigned holder. */
  assign(serial: TerminalId, patient: PatientId | null, nowUnixMs: number, reason: string): Assignment {
    return assignments.assign(this.#context, serial, patient, nowUnixMs, reason);
  }

  /** Assignments of one terminal, oldest first. */
  assignments(serial: TerminalId): readonly Assignment[] {
    return assignments.assignments(this.#context, serial);
  }

  /** Whose a terminal was at a time; null for nobody's. */
  patientAt(serial: TerminalId, unixMs: number): PatientId | null {
    return assignments.patientAt(this.#context, serial, unixMs);
  }

  /**
   * The data key of a recording; the first call draws it and makes the recording the patient's, or nobody's. Durable in
   * every copy when it returns.
   *
   * @throws {CustodyError} ERR_RECORDING_UNKNOWN when the recording is another terminal's, ERR_RECORDING_ERASED when it or its
   * patient was erased.
   */
  obtainRecordingKey(
    recording: RecordingId,
    serial: TerminalId,
    patient: PatientId | null,
    nowUnixMs: number,
  ): RecordingKey {
    return recordings.obtainRecordingKey(this.#context, recording, serial, patient, nowUnixMs);
  }

  findRecordingKey(recording: RecordingId): RecordingKey | undefined {
    return recordings.findRecordingKey(this.#context, recording);
  }

  /** Every recording of the store, for a rebuild of the catalog. */
  recordingKeys(): readonly RecordingKey[] {
    return recordings.recordingKeys(this.#context);
  }

  /** Overwrites the keys of a patient and of all recordings. @throws {CustodyError} as {@link erasures.erasePatient}. */
  erasePatient(patient: PatientId, order: ErasureOrder): Erasure {
    return erasures.erasePatient(this.#context, patient, order);
  }

  /** Overwrites the keys of recordings. @throws {CustodyError} as {@link erasures.eraseRecordings}. */
  eraseRecordings(ids: readonly RecordingId[], order: ErasureOrder): Erasure {
    return erasures.eraseRecordings(this.#context, ids, order);
  }

  /** Every erasure, oldest first, without its tombstones. */
  erasures(): readonly Omit<Erasure, "tombstones">[] {
    return erasures.erasures(this.#context);
  }

  /** @throws {CustodyError} ERR_ERASURE_UNKNOWN. */
  getErasure(id: ErasureId): Erasure {
    return erasures.getErasure(this.#context, id);
  }

  /** What stands in the place of an erased recording; undefined for any other. */
  findTombstone(recording: RecordingId): Tombstone | undefined {
    return erasures.findTombstone(this.#context, recording);
  }

  /** Tombstones above a number, in order of numbers, at most `limit`. */
  tombstonesAfter(number: number, limit: number): readonly Tombstone[] {
    return erasures.tombstonesAfter(this.#context, number, limit);
  }

  /** Forbids erasure. @throws {CustodyError} ERR_PATIENT_UNKNOWN, ERR_RECORDING_UNKNOWN. */
  setHold(hold: HoldOrder): LegalHold {
    return legalHolds.setHold(this.#context, hold);
  }

  /** Ends a hold. @throws {CustodyError} ERR_HOLD_UNKNOWN. */
  liftHold(id: string, order: ErasureOrder): LegalHold {
    return legalHolds.liftHold(this.#context, id, order);
  }

  /** Every hold, oldest first, also those that were lifted. */
  holds(): readonly LegalHold[] {
    return legalHolds.holds(this.#context);
  }

  /** Sets how many days a tenant keeps data of a type; null: for ever. @throws {RangeError}. */
  setRetention(tenant: TenantId, type: DataType, days: number | null): void {
    retention.setRetention(this.#context, tenant, type, days);
  }

  /** Every rule of retention. */
  retention(): readonly RetentionRule[] {
    return retention.retention(this.#context);
  }

  /** Everything known of one terminal's keys. @throws {CustodyError} ERR_TERMINAL_UNKNOWN. */
  keyLife(serial: TerminalId): KeyLife {
    return keyLife.keyLife(this.#context, serial);
  }

  /** Keeps how far a terminal's keys are used, never less than before. Durable in every copy when it returns. */
  markKeyUse(serial: TerminalId, mark: KeyMark): void {
    keyLife.markKeyUse(this.#context, serial, mark);
  }

  /** Keeps an offer before it is sent, and cancels what was under way. @throws {CustodyError} ERR_KEY_CHANGE_VERSION. */
  beginKeyChange(serial: TerminalId, change: NewKeyChange): void {
    keyLife.beginKeyChange(this.#context, serial, change);
  }

  /** The secret half of an offer's ephemeral key; undefined when the change waits for no answer any more. */
  openKeyChangeSecret(serial: TerminalId, version: number): Uint8Array | undefined {
    return keyLife.openKeyChangeSecret(this.#context, serial, version);
  }

  /** Keeps an order before it is sent, and forgets the secret. Whether the change still waited for an answer. */
  orderKeyChange(serial: TerminalId, order: NewKeyOrder): boolean {
    return keyLife.orderKeyChange(this.#context, serial, order);
  }

  /** Keeps how a change ended. One that was done stays done. */
  endKeyChange(serial: TerminalId, version: number, end: KeyChangeEnd): void {
    keyLife.endKeyChange(this.#context, serial, version, end);
  }

  addKeyAlarm(serial: TerminalId, alarm: KeyAlarm): void {
    keyLife.addKeyAlarm(this.#context, serial, alarm);
  }

  addAccount(tenant: TenantId, name: string, role: Account["role"]): Account {
    return accounts.addAccount(this.#context, tenant, name, role);
  }

  accounts(): readonly Account[] {
    return accounts.accounts(this.#context);
  }

  findAccount(id: string): Account | undefined {
    return accounts.findAccount(this.#context, id);
  }

  /** A one-time token for an account: 32 random bytes in base64url. Only its hash is kept. @throws {CustodyError} ERR_ACCOUNT_UNKNOWN. */
  createSignInLink(accountId: string, expiresAtUnixMs: number): string {
    return accounts.createSignInLink(this.#context, accountId, expiresAtUnixMs);
  }

  /**
   * Uses a one-time token up.
   *
   * @throws {CustodyError} ERR_SIGN_IN_LINK when it is unknown, used or expired: which of them is not said.
   */
  redeemSignInLink(token: string, nowUnixMs: number): Account {
    return accounts.redeemSignInLink(this.#context, token, nowUnixMs);
  }
}
