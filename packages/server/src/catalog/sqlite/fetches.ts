/** Which requests for streams of its own a terminal has made. */
import type { CatalogMethods } from "../catalog.ts";
import type { SqlContext } from "./sql-context.ts";

type FetchMethods = Pick<CatalogMethods, "takeFetchContact">;

export function fetchMethods({ sql }: SqlContext): FetchMethods {
  return {
    takeFetchContact: (terminal, contact) => {
      const { changes } = sql(
        "INSERT INTO fetch_contacts VALUES (?, ?) ON CONFLICT (terminal) DO UPDATE SET contact = excluded.contact" +
          " WHERE excluded.contact > contact",
      ).run(terminal, contact);
      return Number(changes) === 1;
    },
  };
}
