/**
 * Watches how far each terminal's keys are used: the high-water mark, the pace, and what goes back and must not.
 *
 * The mark is exact in memory and kept in the key store in steps, so that no upload waits for it. What is nearer to the
 * mark than a step after a restart of the server is found by the catalog, which knows every use that was stored.
 *
 * Source: docs/keys.md, "A terminal's key life"; docs/threat-model.md (a restored terminal).
 */
import type { KeyChange, KeyLife, KeyMark } from "@pericard/custody";
import { compareKeyUse, type KeyUse, type TerminalId } from "@pericard/protocol";
import type { Audit } from "../access/audit.ts";
import { codeOf } from "../errors.ts";
import type { KeyStorePort } from "./key-store.ts";
import { DAY_MS, isAfterChange, lastDone, usesBetween } from "./key-policy.ts";
import { Lru } from "./lru.ts";

export interface KeyWatchParts {
  readonly keyStore: KeyStorePort;
  readonly audit: Audit;
  readonly nowUnixMs: () => number;
}

/**
 * What can go back. `use`: a status has a lower use than one before. `contact`: a status of a run that is not known has a
 * lower contact number. `repeat`: a use sealed two segments. `policy`: an older maximum is in force again. `exchange`: a
 * key change does not fit what both sides kept.
 */
export type KeyAlarmKind = "use" | "contact" | "repeat" | "policy" | "exchange";

/** Uses by which the kept mark may lag behind within one day. */
const MARK_STEP = 1024;
const TERMINALS_MAX = 20_000;
/** An alarm of the same kind is kept once in this time. */
const ALARM_AGAIN_MS = 3600 * 1000;

interface Watched {
  /** The newest mark, of which `kept` is what the key store has. */
  mark: KeyMark | undefined;
  kept: KeyMark | undefined;
  readonly alarmedAtUnixMs: Map<KeyAlarmKind, number>;
}

export class KeyWatch {
  readonly #parts: KeyWatchParts;
  readonly #watched = new Lru<TerminalId, Promise<Watched>>(TERMINALS_MAX);

  constructor(parts: KeyWatchParts) {
    this.#parts = parts;
  }

  /** The highest use known to be the terminal's next one; undefined before the first. */
  async highWater(serial: TerminalId): Promise<KeyUse | undefined> {
    return (await this.#of(serial)).mark;
  }

  /**
   * Notes a use that is at least reached. What is below the mark came late and says nothing. `maximum`: that of the key in
   * use.
   */
  async note(serial: TerminalId, next: KeyUse, maximum: number): Promise<void> {
    const watched = await this.#of(serial);
    const { mark, kept } = watched;
    if (mark && compareKeyUse(next, mark) < 0) return;
    const atUnixMs = this.#parts.nowUnixMs();
    const used = (mark?.usedCount ?? 0) + usesBetween(mark ?? FIRST_USE, next, maximum);
    // A hostile terminal may claim any use.
    const usedCount = Math.min(used, Number.MAX_SAFE_INTEGER);
    const { cycle, index, use } = next;
    const moved = { cycle, index, use, atUnixMs, usedCount };
    watched.mark = moved;
    if (kept && isSameDay(kept, moved) && usedCount - kept.usedCount < MARK_STEP) return;
    watched.kept = moved;
    await this.#parts.keyStore.markKeyUse(serial, moved).catch((error: unknown) => {
      watched.kept = kept;
      throw error;
    });
  }

  /** Looks whether a terminal that took a change is back at an older maximum. */
  async notePolicy(serial: TerminalId, next: KeyUse, version: number, changes: readonly KeyChange[]): Promise<void> {
    const done = lastDone(changes);
    if (!done || version >= done.version || !isAfterChange(done, next)) return;
    await this.alarm(serial, "policy", `version ${version} after ${done.version}`);
  }

  /** Writes an alarm to the audit trail and the key store, once an hour for each kind. */
  async alarm(serial: TerminalId, kind: KeyAlarmKind, detail: string): Promise<void> {
    const { alarmedAtUnixMs } = await this.#of(serial);
    const atUnixMs = this.#parts.nowUnixMs();
    const before = alarmedAtUnixMs.get(kind);
    if (before !== undefined && atUnixMs - before < ALARM_AGAIN_MS) return;
    alarmedAtUnixMs.set(kind, atUnixMs);
    const action = `key alarm ${kind}: ${detail}`;
    await this.#parts.audit.record({ actor: `terminal ${serial}`, action, subject: serial, outcome: "denied" });
    await this.#parts.keyStore.addKeyAlarm(serial, { atUnixMs, kind, detail }).catch(passUnavailable);
  }

  /** The mark as it is kept, and what is newer in memory. */
  async withNewest(serial: TerminalId, life: KeyLife): Promise<KeyLife> {
    const { mark } = await this.#of(serial);
    if (!mark) return life;
    return { ...life, marks: [...life.marks.filter((kept) => !isSameDay(kept, mark)), mark] };
  }

  #of(serial: TerminalId): Promise<Watched> {
    const known = this.#watched.get(serial);
    if (known) return known;
    const watched = this.#load(serial);
    this.#watched.set(serial, watched);
    watched.catch(() => this.#watched.delete(serial));
    return watched;
  }

  async #load(serial: TerminalId): Promise<Watched> {
    const { marks, alarms } = await this.#parts.keyStore.keyLife(serial);
    const mark = marks.at(-1);
    const alarmed = alarms.map(({ kind, atUnixMs }) => [kind as KeyAlarmKind, atUnixMs] as const);
    return { mark, kept: mark, alarmedAtUnixMs: new Map(alarmed) };
  }
}

const FIRST_USE: KeyUse = { cycle: 0, index: 0, use: 0 };

function isSameDay(a: KeyMark, b: KeyMark): boolean {
  return Math.floor(a.atUnixMs / DAY_MS) === Math.floor(b.atUnixMs / DAY_MS);
}

/** Codes of a key store that takes nothing now, or that another process changed meanwhile. */
const TOLD_LATER = /^ERR_(KEYSTORE_|KEK_|KEY_CHANGE_VERSION$)/;

/** Lets a key store that takes nothing now be told later. @throws every other error. */
export function passUnavailable(error: unknown): void {
  if (!TOLD_LATER.test(codeOf(error) ?? "")) throw error;
}

/** A key use as people read it. */
export function nameOf({ cycle, index, use }: KeyUse): string {
  return `cycle ${cycle} key ${index} use ${use}`;
}
