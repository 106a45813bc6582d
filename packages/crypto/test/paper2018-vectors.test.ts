/** Every shared vector of suite paper-2018 against this package: what it accepts, and why it refuses. */
import {
  decodePaperCheck,
  decodePaperContent,
  encodePaperCheck,
  encodePaperEnvelope,
  encodePaperSegment,
  isPaperKeyMessage,
  PaperKeyAnswer,
  PaperKeyOffer,
  PaperKeyOrder,
  parsePaperEnvelope,
  parsePaperSegment,
  ProtocolError,
  readPaperKeyMessage,
  TenantId,
  toHex,
  utf8,
  type PaperKeyType,
} from "@pericard/protocol";
import { describe, expect, it } from "vitest";
import { toJson, type Json, type VectorCase } from "../../../vectors/cases/case.ts";
import { LEAVE } from "../../../vectors/cases/paper-fixtures.ts";
import { bytesOf, countCases, loadCases, numberOf, textOf } from "../../../vectors/load.ts";
import {
  CryptoError,
  desDecrypt,
  desEncrypt,
  equalSecrets,
  finishPaperExchange,
  keyGroup,
  openPaperEnvelope,
  openPaperKeyOrder,
  openPaperSegment,
  paperBlockDigest,
  paperExchangeKey,
  paperRsaPrivate,
  paperRsaPublic,
  paperStorageKey,
  paperTransportKey,
  paperUnwrapKey,
  paperVerify,
  sealPaperKeyOrder,
  SyntheticTenant,
  verifyPaperEnvelope,
} from "../src/index.ts";

type Outcome = { readonly expect: string; readonly decoded?: Json };

/** "accept" and what a case says, or the code of its refusal. Another class of error fails the test. */
function outcomeOf(open: () => Json): Outcome {
  try {
    return { expect: "accept", decoded: open() };
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof CryptoError) return { expect: error.code };
    if (error instanceof RangeError) return { expect: "RangeError" };
    throw error;
  }
}

const leaveOf = (vector: VectorCase): SyntheticTenant =>
  SyntheticTenant.admit({ id: TenantId.parse(textOf(vector, "tenant")), synthetic: true });

function segmentCase(vector: VectorCase): Outcome {
  const bytes = bytesOf(vector, "bytesHex");
  return outcomeOf(() => {
    const parsed = parsePaperSegment(bytes);
    expect(encodePaperSegment(parsed)).toEqual(bytes);
    const samples = openPaperSegment(leaveOf(vector), bytesOf(vector, "storageKeyHex"), parsed);
    return toJson({ ...parsed, samples });
  });
}

function envelopeCase(vector: VectorCase): Outcome {
  const bytes = bytesOf(vector, "bytesHex");
  return outcomeOf(() => {
    const parsed = parsePaperEnvelope(bytes);
    expect(encodePaperEnvelope(parsed)).toEqual(bytes);
    const leave = leaveOf(vector);
    verifyPaperEnvelope(leave, paperRsaPublic(leave, bytesOf(vector, "terminalPublicKeyHex")), parsed);
    const recipient = paperRsaPrivate(leave, bytesOf(vector, "serverPrivateKeyHex"));
    const keys = { recipient, transportKey: bytesOf(vector, "transportKeyHex") };
    return toJson({ ...parsed, encoded: openPaperEnvelope(leave, keys, parsed) });
  });
}

function contentCase(vector: VectorCase): Outcome {
  return outcomeOf(() => toJson({ segments: decodePaperContent(bytesOf(vector, "bytesHex")) }));
}

function deploymentCase(vector: VectorCase): Outcome {
  const bytes = bytesOf(vector, "bytesHex");
  let same = false;
  const { expect: code } = outcomeOf(() => {
    const check = decodePaperCheck(bytes);
    expect(encodePaperCheck(check)).toEqual(bytes);
    expect(check.terminal).toBe(textOf(vector, "terminal"));
    same = equalSecrets(paperBlockDigest(LEAVE, bytesOf(vector, "blockHex")), check.digest);
    return null;
  });
  return { expect: code === "accept" && !same ? "differs" : code };
}

const KEY_MESSAGES = {
  "paper-2018/key-offer": PaperKeyOffer,
  "paper-2018/key-answer": PaperKeyAnswer,
  "paper-2018/key-order": PaperKeyOrder,
} as const;

function keyChangeCase(vector: VectorCase): Outcome {
  const bytes = bytesOf(vector, "bytesHex");
  const type = textOf(vector, "type") as PaperKeyType;
  return outcomeOf(() => {
    const message = KEY_MESSAGES[type].decode(bytes);
    expect(isPaperKeyMessage(bytes)).toBe(true);
    expect(readPaperKeyMessage(bytes)).toEqual({ type, routing: message.routing });
    if (!("ciphertext" in message)) return toJson(message);
    const shared = bytesOf(vector, "sharedSecretHex");
    const order = openPaperKeyOrder(LEAVE, shared, message);
    expect(sealPaperKeyOrder(LEAVE, shared, message.routing, order)).toEqual(bytes);
    return toJson({ ...message, order });
  });
}

/** Each gives what the case says, after comparing what it computes with the case's bytes. */
const COMPUTATIONS: Readonly<Record<string, (vector: VectorCase) => Json | undefined>> = {
  "storage key": (vector) => {
    const key = paperStorageKey(LEAVE, bytesOf(vector, "blockHex"), numberOf(vector, "index"));
    expect(toHex(key)).toBe(vector.bytesHex);
    return undefined;
  },
  "transport key": (vector) => {
    const [block, index] = [bytesOf(vector, "blockHex"), numberOf(vector, "index")];
    expect(toHex(paperTransportKey(LEAVE, block, index))).toBe(vector.bytesHex);
    return { group: toHex(keyGroup(block, index)) };
  },
  des: (vector) => {
    const [key, ciphertext] = [bytesOf(vector, "keyHex"), bytesOf(vector, "bytesHex")];
    const plain = desDecrypt(LEAVE, key, ciphertext);
    expect(desEncrypt(LEAVE, key, plain)).toEqual(ciphertext);
    return { plain: toHex(plain) };
  },
  "key wrap": (vector) => {
    const recipient = paperRsaPrivate(LEAVE, bytesOf(vector, "privateKeyHex"));
    return { contentKey: toHex(paperUnwrapKey(LEAVE, recipient, bytesOf(vector, "bytesHex"))) };
  },
  "key agreement": (vector) => {
    const group = { prime: bytesOf(vector, "primeHex"), generator: numberOf(vector, "generator") };
    const key = finishPaperExchange(LEAVE, group, bytesOf(vector, "secretHex"), bytesOf(vector, "receivedHex"));
    expect(toHex(key)).toBe(vector.bytesHex);
    return undefined;
  },
  "exchange key": (vector) => {
    expect(toHex(paperExchangeKey(LEAVE, bytesOf(vector, "sharedSecretHex")))).toBe(vector.bytesHex);
    return undefined;
  },
};

function derivationCase(vector: VectorCase): Outcome {
  const computes = textOf(vector, "computes");
  if (computes === "signature") {
    const key = paperRsaPublic(LEAVE, bytesOf(vector, "publicKeyHex"));
    const valid = paperVerify(LEAVE, key, utf8(textOf(vector, "message")), bytesOf(vector, "bytesHex"));
    return { expect: valid ? "accept" : "differs" };
  }
  const compute = COMPUTATIONS[computes];
  if (!compute) throw new TypeError(`${vector.name}: computes ${computes}`);
  return outcomeOf(() => compute(vector) ?? null);
}

const FILES = [
  { name: "paper-segment", run: segmentCase, accepted: 8, refused: 33 },
  { name: "paper-envelope", run: envelopeCase, accepted: 5, refused: 43 },
  { name: "paper-content", run: contentCase, accepted: 2, refused: 7 },
  { name: "paper-deployment", run: deploymentCase, accepted: 1, refused: 9 },
  { name: "paper-derivations", run: derivationCase, accepted: 28, refused: 39 },
  { name: "paper-key-change", run: keyChangeCase, accepted: 12, refused: 74 },
] as const;

describe.each(FILES)("$name vectors", ({ name, run, accepted, refused }) => {
  const cases = loadCases(name);

  it.each(cases)("$name", (vector) => {
    const { expect: outcome, decoded } = run(vector);
    expect(outcome).toBe(vector.expect);
    if (vector.decoded !== undefined && outcome === "accept") expect(decoded).toEqual(vector.decoded);
  });

  it("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted, refused });
  });
});
