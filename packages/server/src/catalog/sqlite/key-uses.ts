/**
 * Which uses of a terminal's keys were stored. A use seals one segment: a second one means that the terminal was restored
 * from a copy.
 *
 * Source: docs/keys.md, "A terminal's key life".
 */
import type { KeyUse, TerminalId } from "@pericard/protocol";
import { NO_USES, runOf, setUse } from "../use-bits.ts";
import type { SqlContext } from "./sql-context.ts";

/** Notes uses. @returns for each whether it was noted before. Called inside a transaction. */
export function noteUses({ sql }: SqlContext, terminal: TerminalId, uses: readonly KeyUse[]): readonly boolean[] {
  const runs = new Map<string, { readonly place: readonly number[]; readonly bits: Uint8Array }>();
  const known = uses.map(({ cycle, index, use }) => {
    const place = [cycle, index, runOf(use)] as const;
    const name = place.join("/");
    const run = runs.get(name) ?? { place, bits: findBits({ sql }, terminal, place) };
    runs.set(name, run);
    return setUse(run.bits, use);
  });
  const write = sql("INSERT OR REPLACE INTO key_uses VALUES (?, ?, ?, ?, ?)");
  for (const { place, bits } of runs.values()) write.run(terminal, ...place, bits);
  return known;
}

function findBits({ sql }: Pick<SqlContext, "sql">, terminal: TerminalId, place: readonly number[]): Uint8Array {
  const find = sql("SELECT bits FROM key_uses WHERE terminal = ? AND cycle = ? AND key_index = ? AND run = ?");
  const bits = find.get(terminal, ...place)?.["bits"];
  return bits instanceof Uint8Array && bits.length === NO_USES.length ? bits : NO_USES.slice();
}
