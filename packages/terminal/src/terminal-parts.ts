/** Everything that a terminal is made of, opened from its folder. */
import type { RandomSource } from "@pericard/crypto";
import type { SegmentCodecName } from "@pericard/ecg";
import type { Folder } from "@pericard/framelog";
import { BootId } from "@pericard/protocol";
import {
  openModule,
  readPlace,
  readProvision,
  writeProvision,
  type Provision,
  type TerminalModule,
  type TrsmKind,
  type UploadTarget,
} from "@pericard/trsm";
import { Bell } from "./bell.ts";
import type { Clock } from "./clock.ts";
import { Commands, SEGMENT_LENGTH_MS } from "./commands.ts";
import { GapStatements } from "./gap-statements.ts";
import { HeadKeeper } from "./head-keeper.ts";
import { Journal, type JournalLimits } from "./journal/journal.ts";
import { isDiskError, journalError } from "./journal/journal-error.ts";
import { findLostPlaces } from "./journal/lost-segments.ts";
import { ServerTrust } from "./server-trust.ts";
import { codecsOf, type TerminalCodecs } from "./suite-rules.ts";
import { RESEND_MS } from "./upload/deliveries.ts";
import type { Transport } from "./upload/transport.ts";

/** What a terminal gets from outside. */
export interface TerminalPorts {
  /** The folder that the factory deployed the terminal into. One process at a time. */
  readonly folder: Folder;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Makes the way to the upload targets, at the first upload. */
  readonly transport: (targets: readonly UploadTarget[]) => Transport;
}

/** What may differ from terminal to terminal. */
export interface TerminalProfile {
  /** Milliseconds of a window, 1,000 to 60,000. Default 10,000. */
  readonly segmentLengthMs?: number;
  /** Bytes of journal past which no segment is taken. Default 512 MiB. */
  readonly journalLimitBytes?: number;
  /**
   * How samples are encoded, without loss in every case. Default `lead-residual`, the smallest. In suite paper-2018: how
   * sealed segments are compressed; default `dedup+gzip`.
   */
  readonly codec?: SegmentCodecName | undefined;
  /** Milliseconds for which a receipt is waited for before an item is sent again, by another target if there is one. Default 30,000. */
  readonly receiptWaitMs?: number;
}

/** Default limit of a journal. */
export const JOURNAL_LIMIT_BYTES = 512 * 1024 * 1024;
const JOURNAL_FILE_BYTES_MAX = 1024 * 1024;

/** An opened terminal's parts. */
export interface TerminalParts extends TerminalCodecs {
  readonly folder: Folder;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly bell: Bell;
  readonly bootId: BootId;
  readonly provision: Provision;
  readonly module: TerminalModule;
  readonly trsmKind: TrsmKind;
  readonly journal: Journal;
  readonly heads: HeadKeeper;
  readonly gaps: GapStatements;
  readonly commands: Commands;
  readonly trust: ServerTrust;
  readonly receiptWaitMs: number;
}

/**
 * Opens a terminal's folder: replays the journal and states gaps for what it lost.
 *
 * @throws {TrsmError} when the module does not open. @throws {TerminalError} ERR_TERMINAL_STATE, ERR_JOURNAL_DISK or
 * ERR_SUITE_REFUSED.
 */
export function openParts(ports: TerminalPorts, profile: TerminalProfile): TerminalParts {
  const { folder, clock, random } = ports;
  const provision = readProvision(folder);
  const { routing } = provision;
  const module = openModule(folder, random, () => clock.unixMs());
  const trsmKind = readPlace(folder).kind;
  const codecs = codecsOf(module.suite, profile.codec);
  const bell = new Bell();
  const bootId = BootId.fromBytes(random(8));
  const commands = new Commands(clock, profile.segmentLengthMs ?? SEGMENT_LENGTH_MS.standard);
  const journal = new Journal(folder, limitsOf(profile), clock);
  const heads = new HeadKeeper(folder, journal, module);
  const gaps = new GapStatements(journal, module, { routing, bootId, clock });
  const trust = new ServerTrust(module.rootPin, provision.statements);
  journal.attach(
    (fileNumber) => heads.beforeRemove(fileNumber),
    () => bell.ring(),
  );
  stateLostSegments(folder, journal, gaps);
  return {
    ...codecs,
    folder,
    clock,
    random,
    bell,
    bootId,
    provision,
    module,
    trsmKind,
    journal,
    heads,
    gaps,
    commands,
    trust,
    receiptWaitMs: profile.receiptWaitMs ?? RESEND_MS.first,
  };
}

/** Keeps the trusted keys for the next run. @throws {TerminalError} ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK. */
export function keepTrustedKeys({ folder, provision, trust }: TerminalParts): void {
  try {
    writeProvision(folder, { ...provision, statements: trust.statements });
  } catch (cause) {
    throw journalError(cause);
  }
}

function limitsOf({ journalLimitBytes = JOURNAL_LIMIT_BYTES }: TerminalProfile): JournalLimits {
  const limitBytes = journalLimitBytes;
  return { limitBytes, fileBytesMax: Math.min(JOURNAL_FILE_BYTES_MAX, Math.max(4096, Math.floor(limitBytes / 8))) };
}

/** A disk that refuses them now has them stated when the terminal is opened the next time. */
function stateLostSegments(folder: Folder, journal: Journal, gaps: GapStatements): void {
  try {
    for (const place of findLostPlaces(folder, journal)) gaps.state(place, "unreadable");
    journal.sync();
    journal.settle();
  } catch (error) {
    if (!isDiskError(error)) throw error;
  }
}
