/** Nothing that the key-encryption key seals is forgotten when that key is changed. Source: docs/format.md §12.4. */
import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { SEALED_UNDER_KEK } from "../src/rewrap.ts";
import { KEY_STORE_SCHEMA } from "../src/schema.ts";

/** Sealed columns under other keys, which a change of the key-encryption key does not touch. docs/keys.md has each. */
const UNDER_OTHER_KEYS = [
  "intakes.sealed_private",
  "joined_intake.sealed_factory",
  "key_changes.sealed_secret",
  "paper_tenants.sealed_private",
  "patients.sealed_key",
  "patients.sealed_name",
  "recordings.sealed_key",
  "terminals.sealed_block",
];

test("every sealed column of the schema is under a key that this test knows", () => {
  const database = new DatabaseSync(":memory:");
  database.exec(KEY_STORE_SCHEMA);
  const columns = database
    .prepare(
      "SELECT t.name || '.' || c.name AS name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    )
    .all()
    .map(({ name }) => String(name))
    .filter((name) => name.includes(".sealed_"));
  database.close();
  const underKek = SEALED_UNDER_KEK.map(({ table, column }) => `${table}.${column}`);
  expect(columns.toSorted()).toEqual([...underKek, ...UNDER_OTHER_KEYS].toSorted());
});

test("every kind of value that is sealed under it is among those that are sealed anew", () => {
  const folder = new URL("../src/", import.meta.url);
  const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8"));
  const sealed = sources.flatMap((text) =>
    [...text.matchAll(/\bkek\s*\.seal\(\s*\[\s*"([^"]+)"/g)].map(([, kind]) => kind),
  );
  expect([...new Set(sealed)].toSorted()).toEqual(SEALED_UNDER_KEK.map(({ kind }) => kind).toSorted());
  expect(sources.flatMap((text) => [...text.matchAll(/\bkek\s*\.seal\(/g)])).toHaveLength(sealed.length);
});
