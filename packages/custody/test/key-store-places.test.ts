/** The key store over copies in SQLite. */
import { describe } from "vitest";
import { keyStoreContract } from "./contract/key-store.ts";
import { copyFolders } from "./support/folders.ts";

describe("a key store in two copies", () => {
  keyStoreContract(() => copyFolders(2));
});
