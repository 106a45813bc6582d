/** Where copies lie, pack by pack. */
import type { Catalog } from "../catalog.ts";
import { columnsOf, unnest } from "./columns.ts";
import type { Database } from "./database.ts";

type PlaceMethods = Pick<Catalog, "sumPlaces" | "findPlaces" | "movePlaces">;

export function placeMethods({ ask }: Database): PlaceMethods {
  return {
    sumPlaces: async (volumeId) => {
      const text = "SELECT file, SUM(size)::bigint AS size FROM copies WHERE volume = $1 GROUP BY file ORDER BY file";
      return (await ask(text, volumeId)).map((row) => ({
        fileNumber: Number(row["file"]),
        liveBytes: Number(row["size"]),
      }));
    },
    findPlaces: async (volumeId, fileNumber) => {
      const text = 'SELECT "offset" FROM copies WHERE volume = $1 AND file = $2 ORDER BY "offset"';
      return (await ask(text, volumeId, fileNumber)).map((row) => Number(row["offset"]));
    },
    movePlaces: async (moves) => {
      const types = ["text", "bigint", "bigint", "bigint", "bigint", "bigint"];
      const rows = await ask(
        `UPDATE copies c SET file = q.to_file, "offset" = q.to_offset, size = q.to_size FROM ${unnest(types)}` +
          " AS q (volume, file, place, to_file, to_offset, to_size)" +
          ' WHERE c.volume = q.volume AND c.file = q.file AND c."offset" = q.place RETURNING c.package',
        ...columnsOf(
          moves.map(({ from, to }) => [
            from.volumeId,
            from.fileNumber,
            from.offsetBytes,
            to.fileNumber,
            to.offsetBytes,
            to.sizeBytes,
          ]),
          types.length,
        ),
      );
      return rows.length;
    },
  };
}
