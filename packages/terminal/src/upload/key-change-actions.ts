/**
 * What the server's messages of a key change do: the module answers or refuses, and the answer waits for the next contact.
 *
 * Source: docs/format.md §7.8; docs/format-paper-2018.md §7.
 */
import { CryptoError } from "@pericard/crypto";
import { ProtocolError, SUITE, type PaperKeyType, type RoutingId, type Suite } from "@pericard/protocol";
import { TrsmError, type TerminalModule } from "@pericard/trsm";
import type { TerminalEvent } from "../events.ts";
import { journalError } from "../journal/journal-error.ts";
import type { Answers } from "./answers.ts";

/** What the actions work with. */
export interface KeyChangeParts {
  readonly module: TerminalModule;
  readonly routing: RoutingId;
  readonly answers: Answers;
  readonly emit: (event: TerminalEvent) => void;
}

/** Types that the server sends in a key change. */
export type KeyChangeType =
  | "pericard/key-offer"
  | "pericard/key-order"
  | Exclude<PaperKeyType, "paper-2018/key-answer">;

/** Which step of which suite's exchange a message is. */
const PLACE: Readonly<Record<KeyChangeType, { readonly suite: Suite; readonly step: "offer" | "order" }>> = {
  "pericard/key-offer": { suite: SUITE.pericard1, step: "offer" },
  "pericard/key-order": { suite: SUITE.pericard1, step: "order" },
  "paper-2018/key-offer": { suite: SUITE.paper2018, step: "offer" },
  "paper-2018/key-order": { suite: SUITE.paper2018, step: "order" },
};

/**
 * Answers a message whose signature was verified as the server's, where its suite signs it. Whether another maximum is in
 * force since.
 *
 * @throws {ProtocolError} ERR_TYPE_MISMATCH when it is one of the other suite: nothing is answered.
 * @throws {TerminalError} ERR_JOURNAL_DISK_FULL or ERR_JOURNAL_DISK: then nothing is answered, and the server asks again.
 */
export function takeKeyChange(parts: KeyChangeParts, type: KeyChangeType, message: Uint8Array): boolean {
  const { module, routing, answers, emit } = parts;
  const { suite, step } = PLACE[type];
  if (module.suite !== suite) throw new ProtocolError("ERR_TYPE_MISMATCH", "message is of another suite's key change");
  const before = module.keyUse;
  try {
    answers.put(step === "offer" ? module.answerKeyOffer(routing, message) : module.takeKeyOrder(routing, message));
  } catch (error) {
    const code = refusalCode(error);
    answers.put(module.refuseKeyChange(routing, message, code));
    emit({ type: "key-change-refused", code });
    return false;
  }
  const { maximum, policyVersion } = module.keyUse;
  const changed = policyVersion !== before.policyVersion;
  if (changed) emit({ type: "key-change", version: policyVersion, maximum });
  return changed;
}

/** The code that a refusal carries; a disk that fails refuses nothing. */
function refusalCode(error: unknown): string {
  const isRefusal = error instanceof ProtocolError || error instanceof CryptoError;
  if (isRefusal || (error instanceof TrsmError && error.code.startsWith("ERR_KEY_CHANGE_"))) return error.code;
  throw journalError(error);
}
