/** Comparing the copies of the key store, in a thread that ends with it. */
import type { CopyComparison } from "@pericard/custody";
import { ServerError } from "../errors.ts";
import { startThread } from "../threads/thread.ts";
import type { CompareMethods } from "./compare-thread.ts";

const MODULE = new URL("./compare-thread.ts", import.meta.url);
const HEAP_MEGABYTES_MAX = 64;
const DEADLINE = {
  deadlineMs: 600_000,
  late: () => new ServerError("ERR_KEYSTORE_UNAVAILABLE", "copies of the key store do not answer"),
};

/** @throws {ServerError} ERR_KEYSTORE_UNAVAILABLE. */
export async function compareKeyCopies(folderPaths: readonly string[]): Promise<CopyComparison> {
  const thread = startThread<CompareMethods>(MODULE, {}, ["compareCopies"], HEAP_MEGABYTES_MAX, DEADLINE);
  try {
    return await thread.calls.compareCopies(folderPaths);
  } finally {
    thread.end();
  }
}
