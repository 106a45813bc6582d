/** Signed gaps. */
import type { CatalogMethods } from "../catalog.ts";
import type { SqlContext } from "./sql-context.ts";

export function gapMethods({ sql }: SqlContext): Pick<CatalogMethods, "storeGap" | "findGapHash"> {
  return {
    storeGap: ({ recording, stream, sequence, cause, hash }) =>
      void sql("INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?)").run(recording, stream, sequence, cause, hash),
    findGapHash: (recording, stream, sequence) => {
      const find = sql("SELECT hash FROM gaps WHERE recording = ? AND stream = ? AND sequence = ?");
      return (find.get(recording, stream, sequence)?.["hash"] as Uint8Array | undefined) ?? null;
    },
  };
}
