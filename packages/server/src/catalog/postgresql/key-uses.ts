/**
 * Which uses of terminals' keys were stored.
 *
 * Source: docs/keys.md, "A terminal's key life".
 */
import type { KeyUse, TerminalId } from "@pericard/protocol";
import { runOf, setUse, NO_USES } from "../use-bits.ts";
import type { SqlRow } from "../rows.ts";
import { columnsOf, unnest } from "./columns.ts";
import type { Ask } from "./database.ts";

type Use = KeyUse & { readonly terminal: TerminalId };

const PLACE_TYPES = ["text", "bigint", "smallint", "bigint"];

/** Notes uses. @returns for each whether it was noted before. Called inside a transaction. */
export async function noteUses(ask: Ask, uses: readonly Use[]): Promise<readonly boolean[]> {
  if (uses.length === 0) return [];
  const placeOf = ({ terminal, cycle, index, use }: Use) => [terminal, cycle, index, runOf(use)] as const;
  const places = new Map(uses.map((use) => [placeOf(use).join("/"), placeOf(use)]));
  const bits = await lockRuns(ask, [...places.values()]);
  const known = uses.map((use) => setUse(bits.get(placeOf(use).join("/")) as Uint8Array, use.use));
  const rows = [...places].map(([name, place]) => [...place, bits.get(name)]);
  await ask(
    `UPDATE key_uses u SET bits = q.bits FROM ${unnest([...PLACE_TYPES, "bytea"])} AS q (terminal, cycle, key_index, run, bits)` +
      " WHERE u.terminal = q.terminal AND u.cycle = q.cycle AND u.key_index = q.key_index AND u.run = q.run",
    ...columnsOf(rows, 5),
  );
  return known;
}

/** The bits of runs, by their names, which this transaction has to itself. */
async function lockRuns(ask: Ask, places: readonly (readonly unknown[])[]): Promise<Map<string, Uint8Array>> {
  const columns = columnsOf(places, 4);
  const find = (): Promise<readonly SqlRow[]> =>
    ask(
      `SELECT u.* FROM ${unnest(PLACE_TYPES)} AS q (terminal, cycle, key_index, run) JOIN key_uses u` +
        " ON u.terminal = q.terminal AND u.cycle = q.cycle AND u.key_index = q.key_index AND u.run = q.run" +
        " ORDER BY u.terminal, u.cycle, u.key_index, u.run FOR NO KEY UPDATE OF u",
      ...columns,
    );
  let rows = await find();
  if (rows.length < places.length) {
    await ask(
      `INSERT INTO key_uses SELECT q.*, $5::bytea FROM ${unnest(PLACE_TYPES)} AS q (terminal, cycle, key_index, run)` +
        " ORDER BY 1, 2, 3, 4 ON CONFLICT (terminal, cycle, key_index, run) DO NOTHING",
      ...columns,
      NO_USES,
    );
    rows = await find();
  }
  return new Map(
    rows.map((row) => {
      const name = [row["terminal"], row["cycle"], row["key_index"], row["run"]].join("/");
      return [name, row["bits"] as Uint8Array];
    }),
  );
}
