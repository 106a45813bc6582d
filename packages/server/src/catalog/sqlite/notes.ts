/** Small notes that the server keeps for itself: how far a walk is, which volume is being drained. */
import type { CatalogMethods } from "../catalog.ts";
import type { SqlContext } from "./sql-context.ts";

export function noteMethods({ sql }: SqlContext): Pick<CatalogMethods, "storeNote" | "listNotes"> {
  return {
    storeNote: (name, json) =>
      void (json === null
        ? sql("DELETE FROM notes WHERE name = ?").run(name)
        : sql("INSERT OR REPLACE INTO notes VALUES (?, ?)").run(name, json)),
    listNotes: () =>
      sql("SELECT name, json FROM notes ORDER BY name")
        .all()
        .map((row) => ({ name: String(row["name"]), json: String(row["json"]) })),
  };
}
