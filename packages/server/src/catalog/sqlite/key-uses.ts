/**
 * Which uses of a terminal's keys were stored. A use seals one segment: a second one means that the terminal was restored
 * from a copy.
 *
 * Source: docs/keys.md, "A terminal's key life".
 */
import type { KeyUse, TerminalId } from "@pericard/protocol";
import type { StatementSync } from "node:sqlite";

const USES_PER_ROW = 256;

/** Notes uses. @returns for each whether it was noted before. Called inside a transaction. */
export function noteUses(
  sql: (text: string) => StatementSync,
  terminal: TerminalId,
  uses: readonly KeyUse[],
): readonly boolean[] {
  const rows = new Map<string, { readonly place: readonly number[]; readonly bits: Uint8Array }>();
  const known = uses.map(({ cycle, index, use }) => {
    const place = [cycle, index, Math.floor(use / USES_PER_ROW)] as const;
    const name = place.join("/");
    const row = rows.get(name) ?? { place, bits: findBits(sql, terminal, place) };
    rows.set(name, row);
    return setBit(row.bits, use % USES_PER_ROW);
  });
  const write = sql("INSERT OR REPLACE INTO key_uses VALUES (?, ?, ?, ?, ?)");
  for (const { place, bits } of rows.values()) write.run(terminal, ...place, bits);
  return known;
}

function findBits(sql: (text: string) => StatementSync, terminal: TerminalId, place: readonly number[]): Uint8Array {
  const find = sql("SELECT bits FROM key_uses WHERE terminal = ? AND cycle = ? AND key_index = ? AND run = ?");
  const bits = find.get(terminal, ...place)?.["bits"];
  return bits instanceof Uint8Array && bits.length === USES_PER_ROW / 8 ? bits : new Uint8Array(USES_PER_ROW / 8);
}

/** Sets one bit. @returns whether it was set. */
function setBit(bits: Uint8Array, at: number): boolean {
  const byte = bits[at >> 3] ?? 0;
  const mask = 1 << (at & 7);
  bits[at >> 3] = byte | mask;
  return (byte & mask) !== 0;
}
