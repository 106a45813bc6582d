/**
 * The port of the catalog: what is stored where.
 *
 * Rows are written after the bytes they name are durable in every copy, and before any receipt.
 */
import type { Tombstone } from "@pericard/custody";
import type { BootId, GAP_CAUSES, PackageItem, RecordingId, SegmentDescriptor, TerminalId } from "@pericard/protocol";
import type { PatientId, Stub, TenantId } from "@pericard/protocol";
import type { ThreadMethods } from "../threads/messages.ts";
import type { ThreadCalls } from "../threads/thread.ts";
import type { Copy, StoredKind } from "../volumes/volume.ts";

/** What the first stored segment of a recording tells about it. */
export interface RecordingFacts {
  readonly recording: RecordingId;
  readonly tenant: TenantId;
  readonly terminal: TerminalId;
  readonly patient: PatientId | null;
  /** Descriptor of the package's first item. */
  readonly descriptor: SegmentDescriptor;
}

/** One durable package and what is in it. */
export interface StoredPackage extends RecordingFacts {
  readonly stream: number;
  readonly receivedAtUnixMs: number;
  readonly items: readonly PackageItem[];
  readonly copies: readonly Copy[];
}

/** A package as a rebuild finds it: one copy at a time, known again by its commitment. */
export interface RebuiltPackage extends StoredPackage {
  readonly commitment: Uint8Array;
}

/**
 * What became of one item: new, new under a use that sealed another one, there already with the same h, or in
 * contradiction to what is stored (docs/format.md §5.4), or of a recording that was erased. Nothing is kept of the last two.
 */
export type ItemOutcome = "stored" | "reused" | "duplicate" | "conflict" | "erased";

/** A segment's place and what the chain says of it. */
export interface SegmentRow {
  readonly sequence: number;
  readonly hash: Uint8Array;
  readonly prev: Uint8Array | null;
  readonly final: boolean;
  readonly firstFrame: number;
  readonly frameCount: number;
}

/** What ingest needs to know of a recording's stream before it takes more of it. */
export interface RecordingChain {
  /** As {@link StreamRow}. */
  readonly shape: string;
  readonly highestSequence: number;
  readonly finalSequence: number | null;
  /** Rows whose sequence lies between the asked bounds, and the nearest one on each side of them. */
  readonly rows: readonly SegmentRow[];
}

/** A copy that lies elsewhere on its volume now. */
export interface PlaceMove {
  readonly from: Copy;
  readonly to: Copy;
}

/** What stays of a segment of an erased recording. */
export interface StubRow extends Stub {
  readonly stream: number;
}

/** A recording that was erased, as the key store's tombstone says. */
export type ErasedRow = Pick<Tombstone, "recording" | "number" | "erasedAtUnixMs">;

/** A signed gap, stored and durable. */
export interface GapRow {
  readonly recording: RecordingId;
  readonly stream: number;
  readonly sequence: number;
  readonly cause: (typeof GAP_CAUSES)[number];
  readonly hash: Uint8Array;
}

/** Something that lies in packs, with every copy that is known of it. */
export interface CopiedItem {
  /** Rises with each item until the catalog is rebuilt. */
  readonly key: number;
  readonly kind: StoredKind;
  /** Whose data package it is; null for a signed statement. */
  readonly recording: RecordingId | null;
  /** SHA-256 of a signed statement; null for a data package, whose items have hashes. */
  readonly hash: Uint8Array | null;
  /** In order of volume ids. */
  readonly copies: readonly Copy[];
}

/** A signed statement that lies in packs. */
export interface StoredStatement {
  readonly kind: StoredKind;
  /** SHA-256 of its bytes. */
  readonly hash: Uint8Array;
  readonly copies: readonly Copy[];
}

/** A status as it is kept: the newest of a terminal. */
export interface StatusRow {
  readonly terminal: TerminalId;
  readonly contact: number;
  readonly receivedAtUnixMs: number;
  readonly bootId: BootId;
  /** Server time minus the terminal's monotonic clock, in milliseconds. */
  readonly bootOffsetMs: number;
  /** JSON of what a status page shows. */
  readonly statusJson: string;
  readonly heads: readonly {
    readonly recording: RecordingId;
    readonly stream: number;
    readonly sequence: number;
    readonly open: boolean;
  }[];
}

/** When something began in server time, and how that is known. Source: docs/format.md §5.3. */
export interface Start {
  readonly unixMs: number | null;
  readonly certainty: "measured" | "claimed" | "unknown";
}

/** One stream of a recording. */
export interface StreamRow {
  readonly stream: number;
  /** Of its first frame; of observations, of the segment that was stored first. */
  readonly start: Start;
  /** Body kind. Source: docs/format.md §5.2. */
  readonly kind: number;
  /** JSON of what stays the same in all segments of the stream: a WaveformShape, or null for observations. */
  readonly shape: string;
  readonly firstReceivedUnixMs: number;
  readonly lastReceivedUnixMs: number;
  /** First frame after the last stored segment. */
  readonly endFrame: number;
  readonly segmentCount: number;
  /** -1 when nothing is stored. */
  readonly highestSequence: number;
  readonly finalSequence: number | null;
  /** Newest sequence and whether it is being recorded, as the terminal's statuses tell. */
  readonly toldSequence: number | null;
  readonly toldOpen: boolean;
}

/** A recording as lists show it. */
export interface RecordingRow {
  readonly key: number;
  readonly id: RecordingId;
  readonly tenant: TenantId;
  readonly terminal: TerminalId;
  readonly patient: PatientId | null;
  /** Of its first stream. */
  readonly start: Start;
  readonly firstReceivedUnixMs: number;
  readonly lastReceivedUnixMs: number;
  /** In order of their numbers; one at least. */
  readonly streams: readonly StreamRow[];
  readonly predecessor: RecordingId | null;
  readonly predecessorCause: string | null;
  readonly successor: { readonly recording: RecordingId; readonly cause: string } | null;
}

/** One segment to read: where its package's copies lie and which item it is. */
export interface SegmentPlacement extends SegmentRow {
  readonly item: number;
  readonly copies: readonly Copy[];
}

/** A summary as stored, sealed. */
export interface SummaryRow {
  readonly sequence: number;
  readonly suspect: boolean;
  readonly sealed: Uint8Array;
}

/** What lists show of a patient who has recordings. */
export interface PatientSummaryRow {
  readonly patient: PatientId;
  readonly recordingCount: number;
  readonly latestReceivedUnixMs: number;
  /** First in the order of {@link CatalogMethods.listRecordings}. */
  readonly newestRecording: RecordingId;
}

/** Segments without a summary. */
export interface UnsummarisedRows {
  readonly segments: readonly {
    readonly recording: RecordingId;
    readonly stream: number;
    readonly sequence: number;
  }[];
  /** Whether streams are left that were not looked at: ask again. One call's work is bounded. */
  readonly more: boolean;
}

/** Streams that one search for segments without a summary looks at. */
export const UNSUMMARISED_STREAMS_MAX = 16;

/** One line of the audit trail. */
export interface AuditEntry {
  readonly atUnixMs: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly outcome: "allowed" | "denied" | "done";
}

/** One line of the audit trail as it is kept. */
export interface AuditRow extends AuditEntry {
  /** Counts from 1 without holes. */
  readonly number: number;
  /** Covers the entry and the hash of the one before (audit-chain.ts). */
  readonly hash: Uint8Array;
}

/** Functions of a catalog as an adapter offers them. All are durable when they return. */
export interface CatalogMethods {
  /**
   * Writes rows of durable packages, all or none; for each package, what became of each item. The chain is judged here
   * once more, against what any server stored: a caller's view of it may be old.
   */
  storePackages(packages: readonly StoredPackage[]): readonly (readonly ItemOutcome[])[];
  /**
   * As {@link storePackages}, for a rebuild: a package that is there already, by its commitment, gains the copies. Of what
   * contradicts the chain only a second segment in one place is left out.
   */
  rebuildPackages(packages: readonly RebuiltPackage[]): void;
  /** Ends a rebuild. */
  endRebuild(): void;
  /** What is known of a recording's stream, with the rows from one sequence to another and their neighbours. */
  findChain(recording: RecordingId, stream: number, fromSequence: number, toSequence: number): RecordingChain | null;
  /** Highest number of a tombstone that was acted on; 0 before the first. */
  lastErasure(): number;
  /** Recordings that were erased, by number above one, in order, at most `limit`. */
  listErased(afterNumber: number, limit: number): readonly ErasedRow[];
  /** Deletes every row of a recording but its chain, which stays as stubs. It may be told again. */
  eraseRecording(erased: ErasedRow): void;
  /** Keeps stubs that lie on the volumes, for a rebuild. */
  storeStubs(recording: RecordingId, stubs: readonly StubRow[]): void;
  /** Stubs of an erased recording in order of stream and sequence. */
  findStubs(recording: RecordingId): readonly StubRow[];
  /** Stubs of one stream that do not lie on the volumes yet, in order of sequence; null when there are none. */
  findUnpackedStubs(limit: number): { readonly recording: RecordingId; readonly stubs: readonly StubRow[] } | null;
  markStubsPacked(recording: RecordingId, stubs: readonly StubRow[]): void;
  /** Bytes of copies in each pack of a volume; packs without any are left out. */
  sumPlaces(volumeId: string): readonly { readonly fileNumber: number; readonly liveBytes: number }[];
  /** Offsets of the copies in one pack of a volume, rising. */
  findPlaces(volumeId: string, fileNumber: number): readonly number[];
  /** Moves copies within their volumes. One that is not at its old place any more is left out. @returns how many were moved. */
  movePlaces(moves: readonly PlaceMove[]): number;
  /**
   * Recordings of a tenant whose every stream is of one of these kinds and got its last segment before that kind's time, oldest
   * first, at most 10,000.
   */
  findOver(
    tenant: TenantId,
    limits: readonly { readonly kind: number; readonly beforeUnixMs: number }[],
  ): readonly { readonly recording: RecordingId; readonly patient: PatientId | null }[];
  storeGap(gap: GapRow): void;
  /** Hash of the gap statement that was stored for a place, or null. */
  findGapHash(recording: RecordingId, stream: number, sequence: number): Uint8Array | null;
  /** Notes where a signed statement lies; one that is known, by its hash, gains the copies. */
  keepStatement(statement: StoredStatement): void;
  /** Items by key after `afterKey`, `limit` at most; none at the end. */
  walkCopies(afterKey: number, limit: number): readonly CopiedItem[];
  /** One item as it is now; null when it is gone. */
  findCopied(key: number): CopiedItem | null;
  /** Segments of a stretch of a stream that are read from the package of that key. */
  findItemHashes(
    key: number,
    recording: RecordingId,
    stream: number,
    fromSequence: number,
    toSequence: number,
  ): readonly { readonly sequence: number; readonly hash: Uint8Array }[];
  /**
   * Puts one copy of an item in the place of another; `before` null adds one, `after` null forgets one.
   *
   * @returns false, and nothing is changed, when the item or the copy is gone, or another copy is on the volume of `after`.
   */
  replaceCopy(key: number, before: Copy | null, after: Copy | null): boolean;
  /** How many items have a copy on each volume that has any. Reads every row. */
  countCopies(): readonly { readonly volumeId: string; readonly copies: number }[];
  /** Keeps a note of the server's own under a name; null removes it. */
  storeNote(name: string, json: string | null): void;
  listNotes(): readonly { readonly name: string; readonly json: string }[];
  /** Keeps a status unless a newer or equal contact is known. @returns whether it was kept, and what the one before said. */
  storeStatus(status: StatusRow): { readonly kept: boolean; readonly beforeJson: string | null };
  /** The offsets of a terminal's boot, or null when it never made contact in it. */
  findBootOffset(terminal: TerminalId, bootId: BootId): number | null;
  /** Keeps the contact number of a terminal's request for its streams. @returns false when it is not higher than any before. */
  takeFetchContact(terminal: TerminalId, contact: number): boolean;
  /** Recordings of a patient, newest arrival of a first segment first. */
  listRecordings(tenant: TenantId, patient: PatientId): readonly RecordingRow[];
  /** Count, newest arrival and newest recording of patients of a tenant; those who have no recording are left out. */
  summarisePatients(tenant: TenantId, patients: readonly PatientId[]): readonly PatientSummaryRow[];
  findRecording(recording: RecordingId): RecordingRow | null;
  /** Segments of a stream that overlap [fromFrame, toFrame), in order of sequence, at most `limit`. */
  findSegments(
    recordingKey: number,
    stream: number,
    fromFrame: number,
    toFrame: number,
    limit: number,
  ): readonly SegmentPlacement[];
  findPlacement(recordingKey: number, stream: number, sequence: number): SegmentPlacement | null;
  /** Segments of a stream from a sequence on, in order, at most `limit`. */
  findPlacementsFrom(
    recordingKey: number,
    stream: number,
    fromSequence: number,
    limit: number,
  ): readonly SegmentPlacement[];
  /** Stretches of a stream without a segment, and what is known of them. */
  findMissing(
    recordingKey: number,
    stream: number,
  ): readonly {
    readonly fromFrame: number;
    readonly toFrame: number;
    readonly cause: string;
    readonly sequenceCount: number;
  }[];
  storeSummaries(recordingKey: number, stream: number, rows: readonly SummaryRow[]): void;
  /** Summaries from one sequence to another, both included, in order. */
  findSummaries(recordingKey: number, stream: number, fromSequence: number, toSequence: number): readonly SummaryRow[];
  /** Segments of waveform streams without a summary, in no order, `limit` at most. */
  findUnsummarised(limit: number): UnsummarisedRows;
  /** Appends to the audit trail. @returns the entries' numbers. */
  appendAudit(entries: readonly AuditEntry[]): readonly number[];
  countAudit(): number;
  /** Entries of the audit trail after a number, in order, `limit` at most. */
  listAudit(afterNumber: number, limit: number): readonly AuditRow[];
  /** Keeps a session, and forgets those that have expired. */
  storeSession(tokenHash: Uint8Array, account: string, expiresAtUnixMs: number, nowUnixMs: number): void;
  findSession(
    tokenHash: Uint8Array,
    nowUnixMs: number,
  ): { readonly account: string; readonly expiresAtUnixMs: number } | null;
  removeSession(tokenHash: Uint8Array): void;
  /** Newest status of each terminal of the installation, in order of serial numbers after `after`, `limit` at most. */
  listStatus(
    after: TerminalId | null,
    limit: number,
  ): readonly {
    readonly terminal: TerminalId;
    readonly receivedAtUnixMs: number;
    readonly statusJson: string;
  }[];
  close(): void;
}

/** A catalog as the other rooms use it. */
export type Catalog = ThreadCalls<CatalogMethods & ThreadMethods>;
