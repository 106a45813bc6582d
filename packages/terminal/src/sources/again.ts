/** Recording a file that was recorded before. */
import { concatBytes } from "@pericard/protocol";
import { sha256 } from "@pericard/crypto";
import type { Source } from "./source.ts";

/**
 * The same samples as another source, so that they become another recording.
 *
 * @param salt random bytes; the same salt is the same source, which is gone on with after an interruption.
 */
export function recordAgain(source: Source, salt: Uint8Array): Source {
  if (source.sourceId === null) return source;
  return { ...source, sourceId: sha256(concatBytes(source.sourceId, salt)) };
}
