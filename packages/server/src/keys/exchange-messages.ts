/**
 * How each suite agrees, writes and reads in a key change, as the server sees it. The steps themselves are in
 * key-exchange.ts.
 *
 * Source: docs/format.md §7.8; docs/format-paper-2018.md §7.
 */
import {
  keyChangeTranscript,
  PAPER_GROUP,
  paperAgreement,
  sealKeyOrder,
  sealPaperKeyOrder,
  signMessage,
  type KeyAgreement,
  type RandomSource,
  type SyntheticTenant,
} from "@pericard/crypto";
import {
  equalBytes,
  KeyAnswer,
  KeyId,
  KeyOffer,
  PaperKeyAnswer,
  PaperKeyOffer,
  parseSigned,
  SUITE,
  type KeyOrder,
  type SignedType,
} from "@pericard/protocol";
import type { StatementSigner } from "./server-keys.ts";
import type { RegisteredTerminal } from "./terminals.ts";

/** What both sides of one exchange know after M2: the agreed secret, and M1 and M2 as they travelled. */
export interface Agreed {
  readonly sharedSecret: Uint8Array;
  readonly offer: Uint8Array;
  readonly answer: Uint8Array;
}

/** The messages of one suite. */
export interface ExchangeMessages {
  readonly agreement: KeyAgreement;
  /** Type of M2. */
  readonly answerType: "pericard/key-answer" | "paper-2018/key-answer";
  /** M1. */
  writeOffer(offer: Omit<KeyOffer, "nonce">): Uint8Array;
  /** What M2 says. @param payload of a signed M2, or the whole of one that is not signed. @throws {ProtocolError}. */
  readAnswer(payload: Uint8Array): KeyAnswer;
  /** Whether a terminal believes a message that was signed before: not when the server has another key since. */
  isCurrent(message: Uint8Array): boolean;
  /** M3. The key use that the order holds from names the terminal's key that seals it, where a suite seals with one. */
  writeOrder(terminal: RegisteredTerminal, agreed: Agreed, order: KeyOrder): Uint8Array;
}

/** Those of pericard-1: signed, the order sealed under the terminal's block too. */
export function pericardMessages(
  keys: StatementSigner,
  agreement: KeyAgreement,
  random: RandomSource,
): ExchangeMessages {
  const sign = (type: SignedType, payload: Uint8Array): Uint8Array => {
    const { privateKey, keyId } = keys.statementKey;
    return signMessage(privateKey, type, KeyId.toBytes(keyId), payload);
  };
  return {
    agreement,
    answerType: "pericard/key-answer",
    writeOffer: (offer) => sign("pericard/key-offer", KeyOffer.encode({ ...offer, nonce: random(32) })),
    readAnswer: KeyAnswer.decode,
    isCurrent: (message) => equalBytes(parseSigned(message).keyIdBytes, KeyId.toBytes(keys.statementKey.keyId)),
    writeOrder: ({ routing, groupKey }, { sharedSecret, offer, answer }, order) => {
      const { cycle, index } = order.effectiveFrom;
      const transcript = keyChangeTranscript(offer, answer);
      const secrets = { sharedSecret, commandKey: groupKey("command", cycle, index), transcript };
      const draft = { suite: SUITE.pericard1, routing, cycle, index };
      return sign("pericard/key-order", sealKeyOrder(secrets, draft, order, random));
    },
  };
}

/** Those of paper-2018: under no signature, the order sealed under K alone, in the group that terminals are loaded with. */
export function paperMessages(leave: SyntheticTenant): ExchangeMessages {
  return {
    agreement: paperAgreement(leave, PAPER_GROUP),
    answerType: "paper-2018/key-answer",
    writeOffer: PaperKeyOffer.encode,
    readAnswer: PaperKeyAnswer.decode,
    isCurrent: () => true,
    writeOrder: ({ routing }, { sharedSecret }, order) => sealPaperKeyOrder(leave, sharedSecret, routing, order),
  };
}
