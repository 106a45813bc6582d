/** The contract of the key store's database, held by copies in SQLite. */
import { describe } from "vitest";
import { SqliteCopies } from "../src/sqlite-copies.ts";
import { keyDatabaseContract } from "./contract/key-database.ts";
import { copyFolders } from "./support/folders.ts";

const FILE = "keys.sqlite";

describe.each([1, 2])("%i copies in sqlite", (count) => {
  keyDatabaseContract(() => {
    const folders = copyFolders(count);
    return {
      create: (schema) => SqliteCopies.create(folders, FILE, schema),
      open: () => SqliteCopies.open(folders, FILE),
    };
  });
});
