/**
 * The terminal of a life: its module with counters and key changes, on a folder in memory, a clock and a power supply that
 * the life commands. Most uses are taken and not sealed, since ten years have more than can be sealed in a minute.
 */
import { verifyMessage, type KeyObject } from "@pericard/crypto";
import type { Folder, MemoryFolder } from "@pericard/framelog";
import { BootId, equalBytes, parseSigned, Receipt, RecordingId, Status, type RoutingId } from "@pericard/protocol";
import { Answers, takeKeyChange } from "@pericard/terminal";
import { openCountedModule, type CountedModule, type SecureModule } from "@pericard/trsm";
import type { NumberedRandom } from "./numbered-random.ts";
import { segmentAfter, type Pace } from "./pace.ts";
import type { CutMoment } from "./plan.ts";
import { Power } from "./power.ts";
import { SealedSamples, type SampleTimes } from "./sealed-samples.ts";
import type { UseLedger } from "./use-ledger.ts";

export interface LifeTerminalParts {
  readonly folder: MemoryFolder;
  readonly routing: RoutingId;
  readonly serverKey: KeyObject;
  readonly random: NumberedRandom;
  /** Ids of runs and recordings. */
  readonly ids: NumberedRandom;
  readonly ledger: UseLedger;
  /** What the terminal's clock claims of a time since the life began. */
  readonly claimUnixMs: (atMs: number) => number;
  /** The folder as the module gets it: a test breaks it. */
  readonly disk: (folder: Folder) => Folder;
  /** Uses between two that are sealed at random. */
  readonly drawPause: () => number;
}

/** Uses sealed after whatever might have gone wrong with the counters, and before it. */
const SEALED_AFTER = 4;
const SEALED_BEFORE = 2;

export class LifeTerminal {
  readonly samples = new SealedSamples();
  readonly #parts: LifeTerminalParts;
  readonly #answers = new Answers();
  readonly #power = new Power();
  #folder: MemoryFolder;
  #open: CountedModule;
  #bootId: BootId;
  #bootAtMs = 0;
  #nextAtMs = 0;
  #pace: Pace;
  #offMs = 0;
  #crashes = 0;
  #keyChangesTaken = 0;
  #refusals = 0;
  /** Uses that are sealed from now on, uses until one is sealed at random, and the use from which a key's last ones are. */
  #sealNow = SEALED_AFTER;
  #pause = 0;
  #sealFrom = 0;
  #policyVersion = 0;

  constructor(parts: LifeTerminalParts, pace: Pace) {
    this.#parts = parts;
    this.#folder = parts.folder;
    this.#pace = pace;
    [this.#open, this.#bootId] = this.#boot(0);
  }

  get module(): SecureModule {
    return this.#open.module;
  }

  /** Power cuts; key changes that were taken; messages of the server that refuse a segment. */
  get counts() {
    return { crashes: this.#crashes, keyChangesTaken: this.#keyChangesTaken, refusals: this.#refusals };
  }

  /** Whether it runs at a time: power may be away. */
  isOn(atMs: number): boolean {
    return atMs >= this.#bootAtMs;
  }

  /** Records at another pace. */
  setPace(pace: Pace, atMs: number): void {
    this.#pace = pace;
    this.#nextAtMs = Math.max(this.#bootAtMs, segmentAfter(pace, atMs));
  }

  /** Takes the use of every segment until a time. @returns how many. `sealed` of the last are sealed for real. */
  record(untilMs: number, sealed: number): number {
    const sealFromMs = untilMs - sealed * this.#pace.segmentMs;
    let count = 0;
    while (this.#nextAtMs < untilMs) {
      const atMs = this.#nextAtMs;
      this.#nextAtMs = segmentAfter(this.#pace, atMs);
      const isDone = this.#powered(atMs, () => {
        this.#takeUse(atMs, atMs >= sealFromMs);
        return true;
      });
      if (isDone) count += 1;
    }
    return count;
  }

  /** Power goes, at rest or around the next write; it is away for so long. */
  cut(moment: CutMoment, offMs: number, atMs: number): void {
    this.#offMs = offMs;
    if (moment === "at rest") this.#restart(atMs);
    else this.#power.arm(moment);
  }

  /** Stops in order, gives a copy of its folder, and starts again. */
  copy(atMs: number): MemoryFolder {
    const copy = this.#folder.afterPowerCut(0);
    [this.#open, this.#bootId] = this.#boot(atMs);
    return copy;
  }

  /** Starts from a copy of its folder. */
  restoreCopy(copy: MemoryFolder, atMs: number): void {
    this.#folder = copy.afterPowerCut(0);
    [this.#open, this.#bootId] = this.#boot(atMs);
  }

  /** The status of a contact after some that only counted; undefined when power went. */
  signStatus(contactsBefore: number, atMs: number): Uint8Array | undefined {
    const { routing, claimUnixMs } = this.#parts;
    return this.#powered(atMs, () => {
      for (let i = 0; i < contactsBefore; i += 1) this.module.takeContact();
      const { cycle, index, use, policyVersion } = this.module.keyUse;
      const payload = Status.encode({
        routing,
        contact: this.module.takeContact(),
        bootId: this.#bootId,
        monotonicMs: atMs - this.#bootAtMs,
        clockUnixMs: Math.round(claimUnixMs(atMs)),
        mailSeen: 0,
        journalItemCount: this.samples.waitingCount,
        journalBytes: 0,
        journalLimitBytes: 0,
        quarantineCount: 0,
        policyVersion,
        segmentLengthMs: this.#pace.segmentMs,
        cycle,
        index,
        use,
        heads: [],
      });
      return this.module.sign("pericard/status", routing, payload);
    });
  }

  /** Does what the server says. Every message is verified first. */
  takeMail(mail: readonly Uint8Array[], atMs: number): void {
    for (const bytes of mail) this.#powered(atMs, () => this.#takeMessage(bytes));
  }

  /** The oldest answer of a key change that waits to be sent. */
  takeAnswer(): Uint8Array | undefined {
    return this.#answers.take();
  }

  #takeMessage(bytes: Uint8Array): void {
    const { routing, serverKey } = this.#parts;
    const message = parseSigned(bytes);
    verifyMessage(serverKey, message);
    const { type } = message;
    if (type === "pericard/receipt") this.samples.acknowledge(Receipt.decode(message.payload).hashes);
    else if (type === "pericard/key-offer" || type === "pericard/key-order") {
      const keyChange = { module: this.module, routing, answers: this.#answers, emit: () => undefined };
      if (takeKeyChange(keyChange, type, bytes)) this.#keyChangesTaken += 1;
      this.#sealNow = SEALED_AFTER;
      this.#seeMaximum();
    } else this.#refusals += 1;
  }

  #takeUse(atMs: number, isLast: boolean): void {
    const { random, ledger } = this.#parts;
    const draw = random.next;
    this.#pause -= 1;
    if (isLast || this.#sealNow > 0 || this.#pause <= 0) {
      const header = this.samples.seal(this.module, this.#timesAt(atMs));
      // The ledger goes by draws: each salt that is sealed has to be the one that it reckons with.
      if (!equalBytes(header.salt, random.bytesOf(draw, header.salt.length)))
        throw new TypeError("salt is of another draw");
      ledger.note(header, draw);
      this.#afterSealing(header);
      return;
    }
    const taken = this.#open.counters.takeUse();
    random.skip();
    ledger.note(taken, draw);
    if (taken.use >= this.#sealFrom || taken.use === 0 || taken.policyVersion !== this.#policyVersion) {
      this.#sealNow = SEALED_AFTER;
      this.#seeMaximum();
    }
  }

  #afterSealing({ use, policyVersion }: { readonly use: number; readonly policyVersion: number }): void {
    if (this.#sealNow > 0) this.#sealNow -= 1;
    if (this.#pause <= 0) this.#pause = this.#parts.drawPause();
    if (use === 0 || policyVersion !== this.#policyVersion) {
      this.#sealNow = SEALED_AFTER;
      this.#seeMaximum();
    }
  }

  #seeMaximum(): void {
    const { maximum, policyVersion } = this.module.keyUse;
    this.#policyVersion = policyVersion;
    this.#sealFrom = maximum - SEALED_BEFORE - 1;
  }

  #timesAt(atMs: number): SampleTimes {
    const boot = { bootId: this.#bootId, monotonicMs: atMs - this.#bootAtMs };
    return { boot, claimedUnixMs: Math.round(this.#parts.claimUnixMs(atMs)) };
  }

  /** Does work that power may end: then the terminal starts again from what is on the medium. */
  #powered<T>(atMs: number, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!this.#power.isGone) throw error;
      this.#restart(atMs);
      return undefined;
    }
  }

  #restart(atMs: number): void {
    this.#crashes += 1;
    this.#power.restore();
    this.#folder = this.#folder.afterPowerCut(0);
    [this.#open, this.#bootId] = this.#boot(atMs + this.#offMs);
  }

  #boot(atMs: number): [CountedModule, BootId] {
    const { random, ids, disk } = this.#parts;
    while (this.#answers.take()) continue;
    this.#bootAtMs = atMs;
    this.#nextAtMs = Math.max(this.#nextAtMs, segmentAfter(this.#pace, atMs));
    this.#sealNow = SEALED_AFTER;
    this.samples.begin(RecordingId.fromBytes(ids.source(16)));
    this.#open = openCountedModule(disk(this.#power.supply(this.#folder)), random.source);
    this.#seeMaximum();
    return [this.#open, BootId.fromBytes(ids.source(8))];
  }
}
