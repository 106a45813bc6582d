/** Where copies lie, pack by pack. */
import type { CatalogMethods } from "../catalog.ts";
import type { SqlContext } from "./sql-context.ts";

type PlaceMethods = Pick<CatalogMethods, "sumPlaces" | "findPlaces" | "movePlaces">;

export function placeMethods({ sql, transact }: SqlContext): PlaceMethods {
  return {
    sumPlaces: (volumeId) =>
      sql("SELECT file, SUM(size) AS size FROM copies WHERE volume = ? GROUP BY file ORDER BY file")
        .all(volumeId)
        .map((row) => ({ fileNumber: Number(row["file"]), liveBytes: Number(row["size"]) })),
    findPlaces: (volumeId, fileNumber) =>
      sql("SELECT offset FROM copies WHERE volume = ? AND file = ? ORDER BY offset")
        .all(volumeId, fileNumber)
        .map((row) => Number(row["offset"])),
    movePlaces: (moves) =>
      transact(() =>
        moves.reduce((count, { from, to }) => {
          const move = sql(
            "UPDATE copies SET file = ?, offset = ?, size = ? WHERE volume = ? AND file = ? AND offset = ?",
          );
          const { changes } = move.run(
            to.fileNumber,
            to.offsetBytes,
            to.sizeBytes,
            from.volumeId,
            from.fileNumber,
            from.offsetBytes,
          );
          return count + Number(changes);
        }, 0),
      ),
  };
}
