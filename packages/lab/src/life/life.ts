/**
 * A terminal's years: production code of module, key change, server policy and watch, on a clock that runs ten years in
 * seconds, with what befalls a terminal in that time.
 *
 * Every use is taken from the module's counters and kept in a ledger; a sample of them, and every use beside a start, a
 * key's end or a change, is sealed by the module, sent, and opened by the server.
 *
 * Source: docs/keys.md, "A terminal's key life"; paper A §II.D, F, H.
 */
import type { Folder, MemoryFolder } from "@pericard/framelog";
import { KEYS_PER_BLOCK, parseSigned } from "@pericard/protocol";
import { Seeded } from "../crash/seeded.ts";
import { BEGIN_UNIX_MS, claimAt, isWrong, RIGHT_CLOCK, type ClockSetting } from "./clock.ts";
import { KeyAlarms } from "./key-alarms.ts";
import { MonthByClock } from "./month-by-clock.ts";
import { NumberedRandom, seededDraws, type BytesOfDraw } from "./numbered-random.ts";
import { DAY_MS, PHASES } from "./pace.ts";
import { CONTACT_MS, planLife, YEAR_MS, type LifeEvent, type LifePlan } from "./plan.ts";
import { mostIn30Days, type ClockAttack, type LifePoint, type LivedLife } from "./report.ts";
import { LifeServer } from "./server.ts";
import { LifeTerminal } from "./terminal.ts";
import { UseLedger } from "./use-ledger.ts";

/** A terminal's polls: contacts that are counted. Source: the terminal's upload, which waits so long for mail. */
const POLL_MS = 25_000;
/** Uses between two that are sealed at random, at most. */
const PAUSE_MAX = 20_000;
/** One message or answer in so many is lost on the way. */
const LOST_ONE_IN = 40;
/** Power goes during one key-change message in so many. */
const CUT_ONE_IN = 4;
const ANSWERS_PER_CONTACT_MAX = 8;
const SEALED_BEFORE = 2;
const UPLOAD_AT = 32;
const ALARMS_EVERY_CONTACTS = 12;

/** A life, and the parts that a test breaks. */
export interface LifeOptions {
  readonly years: number;
  readonly seed: number;
  readonly plan?: LifePlan;
  /** The terminal's folder as the module gets it. */
  readonly disk?: (folder: Folder) => Folder;
  /** What the module's random source gives. */
  readonly salts?: BytesOfDraw;
}

/** Told now and then: milliseconds of the life that are over, and how far the keys are. */
export type TellLife = (doneMs: number, point: LifePoint) => void;

/** Lives a life. The same options give the same report. */
export async function liveLife(options: LifeOptions, tell: TellLife): Promise<LivedLife> {
  const life = new Life(options, tell);
  try {
    return await life.live();
  } finally {
    await life.end();
  }
}

class Life {
  readonly #options: LifeOptions;
  readonly #tell: TellLife;
  readonly #plan: LifePlan;
  readonly #seeded: Seeded;
  readonly #ledger: UseLedger;
  readonly #months = new MonthByClock(BEGIN_UNIX_MS);
  readonly #server: LifeServer;
  readonly #terminal: LifeTerminal;
  readonly #alarms = new KeyAlarms();
  readonly #points: LifePoint[] = [];
  readonly #crashesAtMs: number[] = [];
  readonly #changesAtMs: number[] = [];
  #atMs = 0;
  #clock: ClockSetting = RIGHT_CLOCK;
  #isOnline = true;
  #contacts = 0;
  #copy: MemoryFolder | undefined;
  #attack: { readonly from: number; readonly keys: Set<number>; segments: number } | undefined;
  #attacked: ClockAttack = { segments: 0, keysByClock: 0, keysByUseCount: 0 };

  constructor(options: LifeOptions, tell: TellLife) {
    const { years, seed, disk = (folder) => folder, salts = seededDraws(seed) } = options;
    this.#options = options;
    this.#tell = tell;
    this.#plan = options.plan ?? planLife(years, seed);
    this.#seeded = new Seeded(seed + 1);
    const random = new NumberedRandom(salts);
    const ids = new NumberedRandom(seededDraws(seed + 2));
    this.#ledger = new UseLedger((draw) => random.bytesOf(draw, 32));
    this.#server = new LifeServer(ids.source, () => BEGIN_UNIX_MS + this.#atMs);
    const { folder, routing, serverKey } = this.#server.deployed;
    const claimUnixMs = (atMs: number): number => BEGIN_UNIX_MS + claimAt(this.#clock, atMs);
    const drawPause = (): number => this.#seeded.between(1, PAUSE_MAX);
    const parts = { folder, routing, serverKey, random, ids, disk, claimUnixMs, drawPause, ledger: this.#ledger };
    this.#terminal = new LifeTerminal(parts, (PHASES[0] as (typeof PHASES)[number]).pace);
  }

  async live(): Promise<LivedLife> {
    await this.#server.start();
    for (const event of this.#plan.events) {
      this.#record(event);
      this.#atMs = event.atMs;
      await this.#meet(event);
      this.#see();
    }
    return this.#report();
  }

  async end(): Promise<void> {
    await this.#server.remove();
  }

  /** Everything until an event. The clock is the same for all of it. */
  #record({ atMs, kind }: LifeEvent): void {
    const clockUnixMs = BEGIN_UNIX_MS + claimAt(this.#clock, this.#atMs);
    const count = this.#terminal.record(atMs, kind === "contact" ? 0 : SEALED_BEFORE);
    this.#months.seal(count, clockUnixMs, BEGIN_UNIX_MS + this.#atMs);
    if (!this.#attack || count === 0) return;
    this.#attack.segments += count;
    this.#attack.keys.add(this.#months.keyAt(clockUnixMs));
  }

  async #meet(event: LifeEvent): Promise<void> {
    const { atMs, kind } = event;
    if (kind === "contact") await this.#contact(UPLOAD_AT);
    else if (kind === "cut") this.#terminal.cut(event.moment, event.offMs, atMs);
    else if (kind === "copy") this.#copy = this.#terminal.copy(atMs);
    else if (kind === "restore") this.#restore();
    else if (kind === "clock") this.#clock = event.clock;
    else if (kind === "attack") this.#meetAttack(event.state);
    else if (kind === "network") this.#isOnline = event.state === "up";
    else if (kind === "pace") this.#terminal.setPace(event.pace, atMs);
    else if (kind === "server restart") await this.#server.restart();
    else await this.#finish();
  }

  #restore(): void {
    if (!this.#copy) return;
    this.#terminal.restoreCopy(this.#copy, this.#atMs);
    this.#alarms.restored(BEGIN_UNIX_MS + this.#atMs);
  }

  #meetAttack(state: "begins" | "ends"): void {
    const { cycle, index } = this.#terminal.module.keyUse;
    const key = cycle * KEYS_PER_BLOCK + index;
    if (state === "begins") this.#attack = { from: key, keys: new Set(), segments: 0 };
    if (state === "begins" || !this.#attack) return;
    const { from, keys, segments } = this.#attack;
    this.#attacked = { segments, keysByClock: keys.size, keysByUseCount: key - from + 1 };
    this.#attack = undefined;
  }

  /** A status, the answers that it leads to, and what waits to be uploaded when it is as many as `uploadAt`. */
  async #contact(uploadAt: number): Promise<void> {
    if (!this.#terminal.isOn(this.#atMs)) return;
    const status = this.#terminal.signStatus(CONTACT_MS / POLL_MS - 1, this.#atMs);
    this.#contacts += 1;
    if (this.#isOnline && status) await this.#exchange(status, uploadAt);
    if (this.#contacts % ALARMS_EVERY_CONTACTS === 0) this.#alarms.see((await this.#server.keyLife()).alarms);
    this.#point();
  }

  async #exchange(status: Uint8Array, uploadAt: number): Promise<void> {
    await this.#say(status);
    for (let i = 0; i < ANSWERS_PER_CONTACT_MAX; i += 1) {
      const answer = this.#terminal.takeAnswer();
      if (answer) await this.#say(answer);
    }
    await this.#upload(uploadAt);
  }

  async #upload(uploadAt: number): Promise<void> {
    const { samples, module } = this.#terminal;
    const { recipient, routing } = this.#server.deployed;
    for (let before = Infinity; samples.waitingCount >= uploadAt && samples.waitingCount < before;) {
      before = samples.waitingCount;
      await this.#say(module.sealEnvelope(recipient, routing, samples.oldest(module)));
    }
  }

  /** One message up, and its answer down, if the way loses neither. */
  async #say(message: Uint8Array): Promise<void> {
    if (this.#seeded.between(1, LOST_ONE_IN) === 1) return;
    const mail = await this.#server.receive(message);
    if (!mail || this.#seeded.between(1, LOST_ONE_IN) === 1) return;
    const isKeyChange = mail.some((bytes) => parseSigned(bytes).type.startsWith("pericard/key-"));
    if (isKeyChange && this.#seeded.between(1, CUT_ONE_IN) === 1) {
      this.#terminal.cut(this.#seeded.pick(["before write", "after write"]), 60_000, this.#atMs);
    }
    this.#terminal.takeMail(mail, this.#atMs);
  }

  /** The network holds until everything is acknowledged. */
  async #finish(): Promise<void> {
    this.#isOnline = true;
    for (let i = 0; i < 100 && this.#terminal.samples.waitingCount > 0; i += 1) await this.#upload(1);
    this.#alarms.see((await this.#server.keyLife()).alarms);
    this.#point();
  }

  #point(): void {
    const { cycle, index, maximum } = this.#terminal.module.keyUse;
    const monthKey = this.#months.keyAt(BEGIN_UNIX_MS + claimAt(this.#clock, this.#atMs));
    const point = { atMs: this.#atMs, cycle, index, maximum, monthKey };
    this.#points.push(point);
    this.#tell(this.#atMs, point);
  }

  #see(): void {
    const { crashes, keyChangesTaken } = this.#terminal.counts;
    while (this.#crashesAtMs.length < crashes) this.#crashesAtMs.push(this.#atMs);
    while (this.#changesAtMs.length < keyChangesTaken) this.#changesAtMs.push(this.#atMs);
  }

  async #report(): Promise<LivedLife> {
    const { years, seed } = this.#options;
    const { events } = this.#plan;
    const { crashes, keyChangesTaken, refusals } = this.#terminal.counts;
    const { sealed, acknowledged } = this.#terminal.samples.counts;
    const { changes, keysEndAtUnixMs } = await this.#server.keyLife();
    const { keysUsed, ...ledger } = this.#ledger.figures();
    const report = {
      years,
      seed,
      keysUsed,
      cycles: this.#terminal.module.keyUse.cycle,
      changes: keyChangesTaken,
      crashes,
      ...ledger,
      ...this.#alarms.figures,
      changesBegun: changes.length,
      changesIn30DaysMax: mostIn30Days(changes),
      serverRestarts: events.filter(({ kind }) => kind === "server restart").length,
      wrongClocks: events.filter((event) => event.kind === "clock" && isWrong(event.clock)).length,
      offlineDays: Math.round(offlineMs(events) / DAY_MS),
      segmentsSealed: sealed,
      segmentsOpened: acknowledged,
      segmentsRefused: refusals,
      keysEndYears: keysEndAtUnixMs && Math.round((10 * (keysEndAtUnixMs - BEGIN_UNIX_MS)) / YEAR_MS) / 10,
      monthByClock: { ...this.#months.figures, attack: this.#attacked },
    };
    const [crashesAtMs, changesAtMs] = [this.#crashesAtMs, this.#changesAtMs];
    return { report, points: this.#points, events, crashesAtMs, changesAtMs };
  }
}

/** How long the network was away. */
function offlineMs(events: readonly LifeEvent[]): number {
  const turns = events.flatMap((event) => (event.kind === "network" ? [event] : []));
  return turns.reduce((sum, { atMs, state }) => sum + (state === "up" ? atMs : -atMs), 0);
}
