/** The embedded catalog keeps the contract. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCatalogThread } from "../src/catalog/open-catalog.ts";
import { describeCatalog } from "./catalog-contract.ts";

describeCatalog("SQLite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pericard-catalog-"));
  return {
    open: async () => {
      const { catalog, end } = openCatalogThread(folder);
      return { catalog, leave: async () => end() };
    },
    remove: async () => rmSync(folder, { recursive: true }),
  };
});
