/**
 * Every use that a terminal took, and whether one was taken twice with the same salt. Exact, in memory that grows with the
 * number of interruptions and not with that of uses: uses follow each other, and so do the draws of their salts.
 *
 * A key and nonce repeat only if cycle, index, use and salt do (docs/format.md §4); recording and sequence, which are in
 * the derivation too, are left out, so that what is counted is at least what would happen.
 */
import { equalBytes, KEYS_PER_BLOCK, type KeyUse } from "@pericard/protocol";

/** Uses `from` to `to` (excluded) of one key; the salt of use `from` is that of draw `draw`, and so on. */
interface Run {
  readonly from: number;
  to: number;
  readonly draw: number;
}

export interface LedgerFigures {
  /** Uses taken, those taken again too. */
  readonly uses: number;
  /** Keys of which a use was taken. */
  readonly keysUsed: number;
  /** Takings of a use that was taken before. */
  readonly repeatedUses: number;
  /** Takings of a use that was taken before with the same salt. */
  readonly repeatedKeyNonces: number;
}

export class UseLedger {
  readonly #saltOf: (draw: number) => Uint8Array;
  readonly #runs = new Map<number, Run[]>();
  #key = -1;
  #run: Run = { from: 0, to: 0, draw: 0 };
  #uses = 0;
  #repeatedUses = 0;
  #repeatedKeyNonces = 0;

  constructor(saltOf: (draw: number) => Uint8Array) {
    this.#saltOf = saltOf;
  }

  /** Notes a use whose salt is that of a draw. */
  note({ cycle, index, use }: KeyUse, draw: number): void {
    const key = cycle * KEYS_PER_BLOCK + index;
    const run = this.#run;
    this.#uses += 1;
    if (key === this.#key && use === run.to && draw === run.draw + run.to - run.from) {
      run.to += 1;
      return;
    }
    this.#close();
    this.#key = key;
    this.#run = { from: use, to: use + 1, draw };
  }

  figures(): LedgerFigures {
    this.#close();
    this.#key = -1;
    return {
      uses: this.#uses,
      keysUsed: this.#runs.size,
      repeatedUses: this.#repeatedUses,
      repeatedKeyNonces: this.#repeatedKeyNonces,
    };
  }

  #close(): void {
    if (this.#key < 0) return;
    const before = this.#runs.get(this.#key) ?? [];
    const run = this.#run;
    const overlapping = before.filter(({ from, to }) => from < run.to && run.from < to);
    if (overlapping.length > 0) this.#compare(run, overlapping);
    this.#runs.set(this.#key, [...before, run]);
  }

  #compare(run: Run, others: readonly Run[]): void {
    const first = Math.max(run.from, Math.min(...others.map(({ from }) => from)));
    const end = Math.min(run.to, Math.max(...others.map(({ to }) => to)));
    for (let use = first; use < end; use += 1) {
      const same = others.filter(({ from, to }) => from <= use && use < to);
      if (same.length === 0) continue;
      this.#repeatedUses += 1;
      const salt = this.#saltAt(run, use);
      if (same.some((other) => equalBytes(salt, this.#saltAt(other, use)))) this.#repeatedKeyNonces += 1;
    }
  }

  #saltAt({ from, draw }: Run, use: number): Uint8Array {
    return this.#saltOf(draw + use - from);
  }
}
