/**
 * The key store: what must never be in packs, catalog or queues.
 *
 * Calls are synchronous and wait for the disk: a server runs them in a thread of its own.
 *
 * Source: docs/keys.md; docs/format.md §12.
 */
import { equalSecrets, openBlob, sealBlob, sha256, type RandomSource } from "@pericard/crypto";
import {
  PatientId,
  RecordingId,
  RoutingId,
  SUITE,
  TenantId,
  TerminalId,
  utf8,
  type KeyPurpose,
} from "@pericard/protocol";
import { CustodyError } from "./errors.ts";
import { blobColumn, integerColumn, nullable, textColumn, type Row } from "./rows.ts";
import { KEY_STORE_FILE, KEY_STORE_SCHEMA, KEY_STORE_VERSION } from "./schema.ts";
import {
  drawRootKey,
  issueServerKey,
  readServerKey,
  serverKeyRow,
  type RootKey,
  type ServerKey,
} from "./server-keys.ts";
import { SqliteCopies, type Writable } from "./sqlite-copies.ts";

/** One organisation. `synthetic` is fixed at creation. */
export interface Tenant {
  readonly id: TenantId;
  readonly name: string;
  readonly synthetic: boolean;
}

/** One person, as the server alone knows them. */
export interface Patient {
  readonly id: PatientId;
  readonly tenant: TenantId;
  readonly name: string;
  readonly createdAtUnixMs: number;
}

/** A terminal's life at the factory and after: drawn, then verified and registered. */
export type TerminalState = "allocated" | "active" | "quarantined";

/** A registered terminal. Tenant and suite come from here, never from a message. */
export interface Terminal {
  readonly serial: TerminalId;
  readonly tenant: TenantId;
  readonly suite: typeof SUITE.pericard1;
  readonly routing: RoutingId;
  readonly blockIndex: number;
  readonly state: TerminalState;
  readonly signPublicKey: Uint8Array | null;
  readonly agreePublicKey: Uint8Array | null;
}

/** (terminal, patient, from, to) in server time. */
export interface Assignment {
  readonly terminal: TerminalId;
  readonly patient: PatientId | null;
  readonly fromUnixMs: number;
  readonly toUnixMs: number | null;
  readonly reason: string;
}

/** Whose a recording is, and the key of its data. */
export interface RecordingKey {
  readonly recording: RecordingId;
  readonly tenant: TenantId;
  readonly terminal: TerminalId;
  readonly patient: PatientId | null;
  readonly dataKey: Uint8Array;
  readonly createdAtUnixMs: number;
}

/** Someone who may sign in. */
export interface Account {
  readonly id: string;
  readonly tenant: TenantId;
  readonly name: string;
  readonly role: "clinician";
}

const KEY_BYTES = 32;

/** The open key store. */
export class KeyStore {
  readonly #copies: SqliteCopies;
  readonly #kek: Uint8Array;
  readonly #random: RandomSource;

  private constructor(copies: SqliteCopies, kek: Uint8Array, random: RandomSource) {
    this.#copies = copies;
    this.#kek = kek;
    this.#random = random;
  }

  /**
   * Creates the store of a new installation with its root and server keys.
   *
   * @returns the store, and the root key, which the caller takes off the server.
   * @throws {CustodyError} ERR_KEYSTORE_EXISTS when a folder has a store.
   */
  static create(
    folderPaths: readonly string[],
    kek: Uint8Array,
    nowUnixMs: number,
    random: RandomSource,
  ): { store: KeyStore; root: RootKey } {
    const root = drawRootKey(random);
    const keys = (["hpke", "receipt"] as const).map((purpose) => issueServerKey(root, purpose, 1, nowUnixMs, random));
    const rows = keys.map((key) => serverKeyRow(key, kek, random));
    const copies = SqliteCopies.create(folderPaths, KEY_STORE_FILE, KEY_STORE_SCHEMA);
    copies.commit((database) => {
      for (const row of rows) row(database);
      database.prepare("INSERT INTO meta VALUES ('root_public', ?)").run(Buffer.from(root.publicBytes).toString("hex"));
    });
    return { store: new KeyStore(copies, kek, random), root };
  }

  /**
   * Opens the store from whichever folder has it, and makes the copies equal.
   *
   * @throws {CustodyError} ERR_KEYSTORE_MISSING, ERR_KEYSTORE_FORMAT for another version.
   */
  static open(folderPaths: readonly string[], kek: Uint8Array, random: RandomSource): KeyStore {
    const copies = SqliteCopies.open(folderPaths, KEY_STORE_FILE);
    const version = Number(copies.reader.prepare("SELECT value FROM meta WHERE name = 'version'").get()?.["value"]);
    if (version !== KEY_STORE_VERSION) {
      throw new CustodyError("ERR_KEYSTORE_FORMAT", `key store is of version ${version}, not ${KEY_STORE_VERSION}`);
    }
    return new KeyStore(copies, kek, random);
  }

  /** Changes whenever another process changed the store, so that caches know. */
  get dataVersion(): number {
    return this.#copies.dataVersion;
  }

  /** Copies that every commit reaches. */
  get copyCount(): number {
    return this.#copies.copyCount;
  }

  close(): void {
    this.#copies.close();
  }

  #rows(sql: string, ...parameters: readonly (string | number | null)[]): readonly Row[] {
    return this.#copies.reader.prepare(sql).all(...parameters);
  }

  // Server keys

  /** Raw 32 bytes of the root's public key. */
  get rootPublicKey(): Uint8Array {
    const [row] = this.#rows("SELECT value FROM meta WHERE name = 'root_public'");
    return new Uint8Array(Buffer.from(textColumn(row ?? {}, "value"), "hex"));
  }

  /** Every key of one purpose, newest version first. */
  serverKeys(purpose: KeyPurpose): readonly ServerKey[] {
    const rows = this.#rows("SELECT * FROM server_keys WHERE purpose = ? ORDER BY version DESC", purpose);
    return rows.map((row) => readServerKey(row, this.#kek));
  }

  // Tenants and patients

  addTenant(name: string, synthetic: boolean, nowUnixMs: number): Tenant {
    const id = TenantId.fromBytes(this.#random(16));
    const sealedKey = sealBlob(this.#kek, ["tenant", TenantId.toBytes(id)], this.#random(KEY_BYTES), this.#random);
    this.#copies.commit((database) => {
      database
        .prepare("INSERT INTO tenants VALUES (?, ?, ?, ?, ?)")
        .run(id, name, synthetic ? 1 : 0, sealedKey, nowUnixMs);
    });
    return { id, name, synthetic };
  }

  tenants(): readonly Tenant[] {
    return this.#rows("SELECT * FROM tenants ORDER BY created_at_ms, id").map((row) => ({
      id: TenantId.parse(textColumn(row, "id")),
      name: textColumn(row, "name"),
      synthetic: integerColumn(row, "synthetic") === 1,
    }));
  }

  #tenantKey(tenant: TenantId): Uint8Array {
    const [row] = this.#rows("SELECT sealed_key FROM tenants WHERE id = ?", tenant);
    if (!row) throw new CustodyError("ERR_KEYSTORE_DAMAGED", "tenant of a row is unknown");
    return openBlob(this.#kek, ["tenant", TenantId.toBytes(tenant)], blobColumn(row, "sealed_key"));
  }

  #patientKey(tenant: TenantId, patient: PatientId): Uint8Array {
    const [row] = this.#rows("SELECT sealed_key FROM patients WHERE id = ? AND tenant = ?", patient, tenant);
    if (!row) throw new CustodyError("ERR_PATIENT_UNKNOWN", "patient is not of this tenant");
    return openBlob(this.#tenantKey(tenant), ["patient", PatientId.toBytes(patient)], blobColumn(row, "sealed_key"));
  }

  /** @throws {CustodyError} ERR_PATIENT_EXISTS when the tenant has a patient of that name. */
  addPatient(tenant: TenantId, name: string, nowUnixMs: number): Patient {
    if (this.patients(tenant).some((patient) => patient.name === name)) {
      throw new CustodyError("ERR_PATIENT_EXISTS", "tenant has a patient of that name");
    }
    const id = PatientId.fromBytes(this.#random(16));
    const key = this.#random(KEY_BYTES);
    const sealedKey = sealBlob(this.#tenantKey(tenant), ["patient", PatientId.toBytes(id)], key, this.#random);
    const sealedName = sealBlob(key, ["patient-name", PatientId.toBytes(id)], utf8(name), this.#random);
    this.#copies.commit((database) => {
      database.prepare("INSERT INTO patients VALUES (?, ?, ?, ?, ?)").run(id, tenant, sealedKey, sealedName, nowUnixMs);
    });
    return { id, tenant, name, createdAtUnixMs: nowUnixMs };
  }

  /** Patients of one tenant in order of creation. */
  patients(tenant: TenantId): readonly Patient[] {
    const tenantKey = this.#tenantKey(tenant);
    return this.#rows("SELECT * FROM patients WHERE tenant = ? ORDER BY created_at_ms, id", tenant).map((row) => {
      const id = PatientId.parse(textColumn(row, "id"));
      const key = openBlob(tenantKey, ["patient", PatientId.toBytes(id)], blobColumn(row, "sealed_key"));
      const name = openBlob(key, ["patient-name", PatientId.toBytes(id)], blobColumn(row, "sealed_name"));
      const createdAtUnixMs = integerColumn(row, "created_at_ms");
      return { id, tenant, name: new TextDecoder().decode(name), createdAtUnixMs };
    });
  }

  // Terminals

  /**
   * Takes the next serial number and block index for a terminal and keeps its block, before anything is written into
   * the terminal. `block` is 960 bytes.
   */
  allocateTerminal(tenant: TenantId, block: Uint8Array, nowUnixMs: number): Terminal {
    const routing = RoutingId.fromBytes(this.#random(8));
    const blockIndex =
      1 + integerColumn(this.#rows("SELECT COALESCE(MAX(block_index), -1) AS m FROM terminals")[0] ?? {}, "m");
    const serial = TerminalId.parse((blockIndex + 1).toString(16).padStart(12, "0"));
    const context = ["block", TenantId.toBytes(tenant), TerminalId.toBytes(serial)] as const;
    const sealedBlock = sealBlob(this.#kek, context, block, this.#random);
    this.#copies.commit((database) => {
      database
        .prepare("INSERT INTO terminals VALUES (?, ?, ?, ?, ?, ?, 'allocated', NULL, NULL, ?)")
        .run(serial, tenant, SUITE.pericard1, routing, blockIndex, sealedBlock, nowUnixMs);
    });
    return this.getTerminal(serial);
  }

  /** Registers the public keys of a terminal whose deployment was verified. @throws {CustodyError} ERR_TERMINAL_STATE. */
  activateTerminal(serial: TerminalId, signPublicKey: Uint8Array, agreePublicKey: Uint8Array): Terminal {
    const { state } = this.getTerminal(serial);
    if (state !== "allocated") throw new CustodyError("ERR_TERMINAL_STATE", `terminal is ${state}, not allocated`);
    this.#copies.commit((database) => {
      database
        .prepare("UPDATE terminals SET state = 'active', sign_public = ?, agree_public = ? WHERE serial = ?")
        .run(signPublicKey, agreePublicKey, serial);
    });
    return this.getTerminal(serial);
  }

  /** A quarantined terminal is known, and nothing of it is taken any more. */
  quarantineTerminal(serial: TerminalId): Terminal {
    this.getTerminal(serial);
    this.#copies.commit((database) => {
      database.prepare("UPDATE terminals SET state = 'quarantined' WHERE serial = ?").run(serial);
    });
    return this.getTerminal(serial);
  }

  /** @throws {CustodyError} ERR_TERMINAL_UNKNOWN. */
  getTerminal(serial: TerminalId): Terminal {
    const [row] = this.#rows("SELECT * FROM terminals WHERE serial = ?", serial);
    if (!row) throw new CustodyError("ERR_TERMINAL_UNKNOWN", "terminal is not registered");
    return readTerminal(row);
  }

  findTerminalByRouting(routing: RoutingId): Terminal | undefined {
    const [row] = this.#rows("SELECT * FROM terminals WHERE routing = ?", routing);
    return row && readTerminal(row);
  }

  terminals(tenant: TenantId): readonly Terminal[] {
    return this.#rows("SELECT * FROM terminals WHERE tenant = ? ORDER BY block_index", tenant).map(readTerminal);
  }

  /** The 960 bytes of a terminal's key block. @throws {CustodyError} ERR_TERMINAL_UNKNOWN. */
  openBlock(serial: TerminalId): Uint8Array {
    const [row] = this.#rows("SELECT tenant, sealed_block FROM terminals WHERE serial = ?", serial);
    if (!row) throw new CustodyError("ERR_TERMINAL_UNKNOWN", "terminal is not registered");
    const tenant = TenantId.parse(textColumn(row, "tenant"));
    const context = ["block", TenantId.toBytes(tenant), TerminalId.toBytes(serial)] as const;
    return openBlob(this.#kek, context, blobColumn(row, "sealed_block"));
  }

  // Assignments

  /** From `nowUnixMs` on, what the terminal records is this patient's; null returns it to the unassigned holder. */
  assign(serial: TerminalId, patient: PatientId | null, nowUnixMs: number, reason: string): Assignment {
    const terminal = this.getTerminal(serial);
    if (patient !== null) this.#patientKey(terminal.tenant, patient);
    this.#copies.commit((database) => {
      database.prepare("UPDATE assignments SET to_ms = ? WHERE terminal = ? AND to_ms IS NULL").run(nowUnixMs, serial);
      database
        .prepare("INSERT INTO assignments (terminal, patient, from_ms, to_ms, reason) VALUES (?, ?, ?, NULL, ?)")
        .run(serial, patient, nowUnixMs, reason);
    });
    return { terminal: serial, patient, fromUnixMs: nowUnixMs, toUnixMs: null, reason };
  }

  /** Assignments of one terminal, oldest first. */
  assignments(serial: TerminalId): readonly Assignment[] {
    return this.#rows("SELECT * FROM assignments WHERE terminal = ? ORDER BY from_ms, id", serial).map((row) => ({
      terminal: serial,
      patient: nullable(row, "patient", (r, c) => PatientId.parse(textColumn(r, c))),
      fromUnixMs: integerColumn(row, "from_ms"),
      toUnixMs: nullable(row, "to_ms", integerColumn),
      reason: textColumn(row, "reason"),
    }));
  }

  /** Whose a terminal was at a time; null for nobody's. */
  patientAt(serial: TerminalId, unixMs: number): PatientId | null {
    const [row] = this.#rows(
      "SELECT patient FROM assignments WHERE terminal = ? AND from_ms <= ? AND (to_ms IS NULL OR to_ms > ?) ORDER BY id DESC LIMIT 1",
      serial,
      unixMs,
      unixMs,
    );
    return row ? nullable(row, "patient", (r, c) => PatientId.parse(textColumn(r, c))) : null;
  }

  // Recordings

  /**
   * The data key of a recording; the first call draws it and makes the recording the patient's, or nobody's. Durable in
   * every copy when it returns.
   *
   * @throws {CustodyError} ERR_RECORDING_UNKNOWN when the recording is another terminal's.
   */
  obtainRecordingKey(
    recording: RecordingId,
    serial: TerminalId,
    patient: PatientId | null,
    nowUnixMs: number,
  ): RecordingKey {
    const known = this.findRecordingKey(recording);
    if (known && known.terminal !== serial) {
      throw new CustodyError("ERR_RECORDING_UNKNOWN", "recording is another terminal's");
    }
    if (known) return known;
    const { tenant } = this.getTerminal(serial);
    const dataKey = this.#random(KEY_BYTES);
    const context = ["recording", RecordingId.toBytes(recording)] as const;
    const sealedKey = sealBlob(this.#holderKey(tenant, patient), context, dataKey, this.#random);
    this.#copies.commit((database) => {
      database
        .prepare("INSERT INTO recordings VALUES (?, ?, ?, ?, ?, ?)")
        .run(recording, tenant, serial, patient, sealedKey, nowUnixMs);
    });
    return { recording, tenant, terminal: serial, patient, dataKey, createdAtUnixMs: nowUnixMs };
  }

  /** Key that a recording's data key is wrapped under: the patient's, or for nobody's recordings the tenant's. */
  #holderKey(tenant: TenantId, patient: PatientId | null): Uint8Array {
    return patient === null ? this.#tenantKey(tenant) : this.#patientKey(tenant, patient);
  }

  findRecordingKey(recording: RecordingId): RecordingKey | undefined {
    const [row] = this.#rows("SELECT * FROM recordings WHERE id = ?", recording);
    return row && this.#readRecording(row);
  }

  /** Every recording of the store, for a rebuild of the catalog. */
  recordingKeys(): readonly RecordingKey[] {
    return this.#rows("SELECT * FROM recordings ORDER BY created_at_ms, id").map((row) => this.#readRecording(row));
  }

  #readRecording(row: Row): RecordingKey {
    const recording = RecordingId.parse(textColumn(row, "id"));
    const tenant = TenantId.parse(textColumn(row, "tenant"));
    const patient = nullable(row, "patient", (r, c) => PatientId.parse(textColumn(r, c)));
    const context = ["recording", RecordingId.toBytes(recording)] as const;
    return {
      recording,
      tenant,
      terminal: TerminalId.parse(textColumn(row, "terminal")),
      patient,
      dataKey: openBlob(this.#holderKey(tenant, patient), context, blobColumn(row, "sealed_key")),
      createdAtUnixMs: integerColumn(row, "created_at_ms"),
    };
  }

  // Accounts

  addAccount(tenant: TenantId, name: string, role: Account["role"]): Account {
    const id = Buffer.from(this.#random(16)).toString("hex");
    this.#copies.commit((database) => {
      database.prepare("INSERT INTO accounts VALUES (?, ?, ?, ?)").run(id, tenant, name, role);
    });
    return { id, tenant, name, role };
  }

  accounts(): readonly Account[] {
    return this.#rows("SELECT * FROM accounts ORDER BY rowid").map(readAccount);
  }

  findAccount(id: string): Account | undefined {
    const [row] = this.#rows("SELECT * FROM accounts WHERE id = ?", id);
    return row && readAccount(row);
  }

  /** A one-time token for an account: 32 random bytes in base64url. Only its hash is kept. @throws {CustodyError} ERR_ACCOUNT_UNKNOWN. */
  createSignInLink(accountId: string, expiresAtUnixMs: number): string {
    if (!this.findAccount(accountId)) throw new CustodyError("ERR_ACCOUNT_UNKNOWN", "account does not exist");
    const token = Buffer.from(this.#random(32)).toString("base64url");
    const hash = sha256(utf8(token));
    this.#copies.commit((database) => {
      database.prepare("INSERT INTO sign_in_links VALUES (?, ?, ?, NULL)").run(hash, accountId, expiresAtUnixMs);
    });
    return token;
  }

  /**
   * Uses a one-time token up.
   *
   * @throws {CustodyError} ERR_SIGN_IN_LINK when it is unknown, used or expired: which of them is not said.
   */
  redeemSignInLink(token: string, nowUnixMs: number): Account {
    const hash = sha256(utf8(token));
    // Anybody may send a token: only a good one is worth a write.
    const account = findValidLink(this.#copies.reader, hash, nowUnixMs) && this.#useLink(hash, nowUnixMs);
    const found = account === undefined ? undefined : this.findAccount(account);
    if (!found) throw new CustodyError("ERR_SIGN_IN_LINK", "sign-in link is not valid any more");
    return found;
  }

  #useLink(hash: Uint8Array, nowUnixMs: number): string | undefined {
    return this.#copies.commit((database) => {
      const account = findValidLink(database, hash, nowUnixMs);
      database
        .prepare("UPDATE sign_in_links SET used_at_ms = ? WHERE token_hash = ? AND used_at_ms IS NULL")
        .run(nowUnixMs, hash);
      return account;
    });
  }
}

/** The account of a sign-in link that may be used. */
function findValidLink(database: Writable, hash: Uint8Array, nowUnixMs: number): string | undefined {
  const row = database.prepare("SELECT * FROM sign_in_links WHERE token_hash = ?").get(hash);
  if (!row || !equalSecrets(blobColumn(row, "token_hash"), hash)) return undefined;
  if (row["used_at_ms"] !== null || integerColumn(row, "expires_at_ms") <= nowUnixMs) return undefined;
  return textColumn(row, "account");
}

function readTerminal(row: Row): Terminal {
  const state = textColumn(row, "state");
  if (state !== "allocated" && state !== "active" && state !== "quarantined") {
    throw new CustodyError("ERR_KEYSTORE_DAMAGED", "terminal has an unknown state");
  }
  if (integerColumn(row, "suite") !== SUITE.pericard1) {
    throw new CustodyError("ERR_KEYSTORE_DAMAGED", "terminal has an unknown suite");
  }
  return {
    serial: TerminalId.parse(textColumn(row, "serial")),
    tenant: TenantId.parse(textColumn(row, "tenant")),
    suite: SUITE.pericard1,
    routing: RoutingId.parse(textColumn(row, "routing")),
    blockIndex: integerColumn(row, "block_index"),
    state,
    signPublicKey: nullable(row, "sign_public", blobColumn),
    agreePublicKey: nullable(row, "agree_public", blobColumn),
  };
}

function readAccount(row: Row): Account {
  if (textColumn(row, "role") !== "clinician") {
    throw new CustodyError("ERR_KEYSTORE_DAMAGED", "account has an unknown role");
  }
  const tenant = TenantId.parse(textColumn(row, "tenant"));
  return { id: textColumn(row, "id"), tenant, name: textColumn(row, "name"), role: "clinician" };
}
