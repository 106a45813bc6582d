/**
 * The key of the factory's master sequence. The sequence itself lies in files of the factory; a block that was given to a
 * terminal is in the terminal's row as well.
 *
 * Source: paper A §II.E; docs/format.md §12.1.
 */
import { fromHex, toHex } from "@pericard/protocol";
import { blobColumn, textColumn } from "./rows.ts";
import { commit, KEY_BYTES, selectRows, type ReadContext, type StoreContext } from "./store-context.ts";

const ID_BYTES = 16;

/** What opens the master sequence. */
export interface MasterSequenceKey {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes; every chunk of the sequence is sealed under a key of its own that is derived from it. */
  readonly key: Uint8Array;
}

/** The key of the sequence; the first call draws it. Durable in every copy when it returns. */
export function obtainSequenceKey(context: StoreContext, nowUnixMs: number): MasterSequenceKey {
  return findSequenceKey(context) ?? createSequenceKey(context, nowUnixMs);
}

function findSequenceKey(context: ReadContext): MasterSequenceKey | undefined {
  const [row] = selectRows(context, "SELECT * FROM master_sequence");
  if (!row) return undefined;
  const id = fromHex(textColumn(row, "id"));
  return { id, key: context.kek.open(["sequence", id], blobColumn(row, "sealed_key")) };
}

function createSequenceKey(context: StoreContext, nowUnixMs: number): MasterSequenceKey {
  const id = context.random(ID_BYTES);
  const key = context.random(KEY_BYTES);
  const sealedKey = context.kek.seal(["sequence", id], key);
  return commit(context, (database) => {
    const rival = findSequenceKey({ ...context, database });
    if (rival) return rival;
    database.run("INSERT INTO master_sequence VALUES (?, ?, ?)", toHex(id), sealedKey, nowUnixMs);
    return { id, key };
  });
}
