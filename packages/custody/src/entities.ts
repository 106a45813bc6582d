/** What the key store knows of: organisations, people, terminals, recordings, accounts. */
import type {
  ErasureId,
  IntakeId,
  KeyUse,
  PatientId,
  RecordingId,
  RoutingId,
  Suite,
  TenantId,
  TerminalId,
} from "@pericard/protocol";

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
  readonly suite: Suite;
  readonly routing: RoutingId;
  /** Index of its block in the master sequence of the factory that its serial number names. */
  readonly blockIndex: number;
  readonly state: TerminalState;
  readonly signPublicKey: Uint8Array | null;
  /** null in suite paper-2018 too, which has none. */
  readonly agreePublicKey: Uint8Array | null;
}

/** One block of the master sequence and its place there. */
export interface TerminalBlock {
  /** The block's index; its offset in the sequence is 960 times that. */
  readonly index: number;
  /** 960 bytes. */
  readonly block: Uint8Array;
}

/** What a module was asked and what it answered, 32 bytes each. Source: docs/format.md §4.2. */
export interface DeploymentTranscript {
  readonly challenge: Uint8Array;
  readonly answer: Uint8Array;
}

/** The public keys of a terminal that proved its block, 32 bytes each. */
export interface TerminalKeys {
  readonly serial: TerminalId;
  readonly signPublicKey: Uint8Array;
  readonly agreePublicKey: Uint8Array;
  /** Kept for whoever the block is handed over to. */
  readonly transcript?: DeploymentTranscript;
}

/** What a server made for a factory on another machine. Source: docs/format.md §7.9. */
export interface IntakeRecord {
  readonly id: IntakeId;
  readonly tenant: TenantId;
  /** 1 to 65535: the first two bytes of the factory's serial numbers. */
  readonly factoryNumber: number;
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Ed25519, 32 bytes, of the factory that the operator accepted; null before the first transfer. */
  readonly factoryKey: Uint8Array | null;
  readonly createdAtUnixMs: number;
}

/** A terminal that another factory deployed, with its key block of 960 bytes. */
export interface ImportedTerminal extends Pick<Terminal, "serial" | "routing" | "blockIndex"> {
  readonly block: Uint8Array;
  readonly signPublicKey: Uint8Array;
  readonly agreePublicKey: Uint8Array;
}

/** One transfer that was taken, as the audit trail of imports has it. */
export interface ImportRecord {
  readonly intake: IntakeId;
  readonly transferNumber: number;
  /** SHA-256 of the file. */
  readonly hash: Uint8Array;
  /** Terminals that it registered, and terminals that were registered before. */
  readonly addedCount: number;
  readonly knownCount: number;
  readonly atUnixMs: number;
}

/** The intake that a factory's folder belongs to. */
export interface JoinedIntake {
  readonly id: IntakeId;
  readonly tenant: TenantId;
  readonly factoryNumber: number;
  /** X25519, 32 bytes: what transfers are sealed to. */
  readonly intakeKey: Uint8Array;
  /** Ed25519, 32 bytes: the root of the server's installation. */
  readonly rootPublicKey: Uint8Array;
  /** The server's signed key statements. */
  readonly hpkeStatement: Uint8Array;
  readonly receiptStatement: Uint8Array;
  /** Ed25519, 32 bytes: the factory's own. */
  readonly factoryKey: Uint8Array;
}

/** A terminal that is to be handed over. */
export interface DeployedTerminal extends ImportedTerminal, DeploymentTranscript {}

/** The public keys of a terminal of suite paper-2018 whose block was checked. */
export interface PaperTerminalKeys {
  readonly serial: TerminalId;
  /** Ed25519, 32 bytes: signs statuses and gaps. */
  readonly signPublicKey: Uint8Array;
  /** RSA, SubjectPublicKeyInfo: signs envelopes, paper B's P_K-R. */
  readonly envelopePublicKey: Uint8Array;
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

/** Who asks for an erasure, why and when. Neither text has control characters. Source: docs/format.md §7.11. */
export interface ErasureOrder {
  /** At most 500 UTF-16 code units. */
  readonly reason: string;
  /** At most 100 UTF-16 code units. */
  readonly by: string;
  readonly atUnixMs: number;
}

/** What stands in the place of an erased recording's key. */
export interface Tombstone {
  /** Rises with each tombstone of the key store, and is at least the time in unix-ms. */
  readonly number: number;
  readonly recording: RecordingId;
  readonly erasure: ErasureId;
  readonly tenant: TenantId;
  readonly terminal: TerminalId;
  readonly erasedAtUnixMs: number;
}

/** One act of erasing. Recordings of an erased patient that come only later are added to it. */
export interface Erasure extends ErasureOrder {
  readonly id: ErasureId;
  readonly tenant: TenantId;
  /** null when single recordings were erased. */
  readonly patient: PatientId | null;
  /** In order of numbers. */
  readonly tombstones: readonly Tombstone[];
}

/** A legal hold before it is set: of a patient with all recordings, or of one recording; the other is null. */
export interface HoldOrder extends ErasureOrder {
  readonly patient: PatientId | null;
  readonly recording: RecordingId | null;
}

/** What forbids an erasure until it is lifted. */
export interface LegalHold extends HoldOrder {
  /** 16 random bytes in hexadecimal. */
  readonly id: string;
  readonly tenant: TenantId;
  readonly lifted: ErasureOrder | null;
}

/** Types of data that are kept for different times. */
export const DATA_TYPES = ["waveform", "observation"] as const;
export type DataType = (typeof DATA_TYPES)[number];

/** How long a tenant keeps data of a type, from its last arrival on. */
export interface RetentionRule {
  readonly tenant: TenantId;
  readonly type: DataType;
  /** 1 to 36,600. */
  readonly days: number;
}

/** Someone who may sign in. */
export interface Account {
  readonly id: string;
  readonly tenant: TenantId;
  readonly name: string;
  readonly role: "clinician";
}

/** How far a terminal's keys were used at a time: everything before this use was handed out. */
export interface KeyMark extends KeyUse {
  readonly atUnixMs: number;
  /** Uses since the terminal was first seen, over all keys. */
  readonly usedCount: number;
}

/** A change of the maximum use count, in server time. Source: docs/format.md §7.8. */
export interface KeyChange {
  /** Rises strictly for one terminal. */
  readonly version: number;
  readonly state: "offered" | "ordered" | "done" | "refused" | "cancelled";
  readonly maximum: number;
  /** M1 as it was signed. */
  readonly offer: Uint8Array;
  /** SHA-256 of the M2 that the order answers; null before. */
  readonly answerHash: Uint8Array | null;
  /** M3 as it was signed; null before. */
  readonly order: Uint8Array | null;
  readonly effectiveFrom: KeyUse | null;
  /** The terminal's next use when it took the order; null unless it did. */
  readonly taken: KeyUse | null;
  /** Why it ended, unless it is done; null otherwise. */
  readonly code: string | null;
  readonly begunAtUnixMs: number;
  readonly orderedAtUnixMs: number | null;
  readonly endedAtUnixMs: number | null;
}

/** A change before its offer is sent. `secret` is the secret half of the offer's ephemeral key. */
export interface NewKeyChange extends Pick<KeyChange, "version" | "maximum" | "offer" | "begunAtUnixMs"> {
  readonly secret: Uint8Array;
}

/** An order before it is sent. */
export interface NewKeyOrder {
  readonly version: number;
  readonly answerHash: Uint8Array;
  readonly order: Uint8Array;
  readonly effectiveFrom: KeyUse;
  readonly orderedAtUnixMs: number;
}

/** The end of a change. */
export interface KeyChangeEnd extends Pick<KeyChange, "taken" | "code"> {
  readonly state: "done" | "refused" | "cancelled";
  readonly endedAtUnixMs: number;
}

/** Something that should not be, found by the server. */
export interface KeyAlarm {
  readonly atUnixMs: number;
  readonly kind: string;
  readonly detail: string;
}

/** Everything known of one terminal's keys, oldest first. */
export interface KeyLife {
  readonly marks: readonly KeyMark[];
  readonly changes: readonly KeyChange[];
  readonly alarms: readonly KeyAlarm[];
}
