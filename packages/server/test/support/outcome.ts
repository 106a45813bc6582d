/** What a message is answered, without the way over HTTP: for the many messages of a fuzzer. */
import { parseSigned, Receipt, toHex } from "@pericard/protocol";
import { problemOf } from "../../src/http/problems.ts";
import type { TestInstallation } from "./test-server.ts";

export interface Outcome {
  readonly status: number;
  readonly code: string | undefined;
  /** Types of the signed answers. */
  readonly types: readonly string[];
  readonly receipted: readonly string[];
}

/** Hands a message to ingest. */
export async function outcomeOf(site: TestInstallation, message: Uint8Array): Promise<Outcome> {
  try {
    const signal = new AbortController().signal;
    const answers = await site.server.context.ingest.receive(message, { waitMs: 0, signal });
    const parsed = answers.map((bytes) => parseSigned(bytes));
    const receipts = parsed.filter(({ type }) => type === "pericard/receipt");
    const receipted = receipts.flatMap(({ payload }) => Receipt.decode(payload).hashes.map(toHex));
    return { status: 200, code: undefined, types: parsed.map(({ type }) => type), receipted };
  } catch (error) {
    const { status, code } = problemOf(error);
    return { status, code, types: [], receipted: [] };
  }
}
