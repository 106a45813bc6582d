/** Placements in PostgreSQL, in the schema of the catalog. */
import type { ItemId, Placement, Placements } from "../../channels/placements.ts";
import type { Copy } from "../../volumes/volume.ts";
import type { SqlRow } from "../rows.ts";
import { SCHEMA, type Database } from "./database.ts";

/** Taken while the table is made: two that make it at once would fail. */
const LOCK = 7_320_001;

/** Made by whoever starts first. Losing the table loses nothing but replies on their way. */
const TABLE: readonly string[] = [
  `SELECT pg_advisory_xact_lock(${LOCK})`,
  `CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`,
  `CREATE TABLE IF NOT EXISTS placements (
    item_id text PRIMARY KEY,
    volume text NOT NULL,
    file bigint NOT NULL,
    "offset" bigint NOT NULL,
    size bigint NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
  )`,
  "CREATE INDEX IF NOT EXISTS placements_by_age ON placements (written_at)",
];

const STORE = `
  INSERT INTO placements (item_id, volume, file, "offset", size)
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
  ON CONFLICT DO NOTHING
`;
const FIND = `SELECT item_id, volume, file, "offset", size FROM placements WHERE item_id = ANY($1::text[])`;
const FORGET = "DELETE FROM placements WHERE written_at < now() - interval '1 day'";

function copyOf(row: SqlRow): Copy {
  return {
    volumeId: String(row["volume"]),
    fileNumber: Number(row["file"]),
    offsetBytes: Number(row["offset"]),
    sizeBytes: Number(row["size"]),
  };
}

/** Opens the table of placements, which is made when it is not there. @throws {ServerError} ERR_CATALOG_UNAVAILABLE. */
export async function openPlacements({ ask, transact }: Pick<Database, "ask" | "transact">): Promise<Placements> {
  await transact(async (run) => {
    for (const statement of TABLE) await run(statement);
  });
  return {
    store: async (placements: readonly Placement[]) => {
      const copies = placements.map(({ copy }) => copy);
      await ask(
        STORE,
        placements.map(({ itemId }) => itemId),
        copies.map(({ volumeId }) => volumeId),
        copies.map(({ fileNumber }) => fileNumber),
        copies.map(({ offsetBytes }) => offsetBytes),
        copies.map(({ sizeBytes }) => sizeBytes),
      );
    },
    find: async (itemIds: readonly ItemId[]) => {
      const rows = await ask(FIND, itemIds);
      return new Map(rows.map((row) => [String(row["item_id"]), copyOf(row)]));
    },
    forgetOld: async () => void (await ask(FORGET)),
  };
}
