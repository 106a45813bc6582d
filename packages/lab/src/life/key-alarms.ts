/** The server's alarms about a terminal's keys, gathered before it forgets the oldest. */
import type { KeyLifeDescription } from "@pericard/server";
import { reportedCount } from "./report.ts";

type Alarms = KeyLifeDescription["alarms"];

export class KeyAlarms {
  readonly #alarms = new Map<string, Alarms[number]>();
  readonly #restoresAtUnixMs: number[] = [];

  /** Notes what the server shows now. It keeps the last hundred. */
  see(alarms: Alarms): void {
    for (const alarm of alarms) this.#alarms.set(`${alarm.kind} ${alarm.atUnixMs}`, alarm);
  }

  /** A copy of the terminal was put back. */
  restored(atUnixMs: number): void {
    this.#restoresAtUnixMs.push(atUnixMs);
  }

  get figures() {
    const alarms = [...this.#alarms.values()];
    const kinds = [...Map.groupBy(alarms, ({ kind }) => kind)].map(([kind, all]) => [kind, all.length] as const);
    const times = alarms.map(({ atUnixMs }) => atUnixMs);
    return {
      restores: this.#restoresAtUnixMs.length,
      restoresReported: reportedCount(this.#restoresAtUnixMs, times),
      alarms: Object.fromEntries(kinds) as Readonly<Record<string, number>>,
    };
  }
}
