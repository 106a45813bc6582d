/** Every shared vector of sealed and signed structures against this package: what it accepts, and why it refuses. */
import {
  Command,
  Conflict,
  decodeCbor,
  encodeCbor,
  encodePskId,
  Erased,
  ErasureCertificate,
  FetchBack,
  FetchChallenge,
  Gap,
  KeyAnswer,
  KeyOffer,
  KeyRefused,
  KeyStatement,
  KeyTaken,
  parseEnvelope,
  parseKeyOrder,
  parsePackage,
  parseReturned,
  parseSegment,
  parseSigned,
  ProtocolError,
  Receipt,
  recipientStructure,
  Rejected,
  Rewrap,
  RoutingId,
  Status,
  Stubs,
  TenantId,
  TerminalId,
  toHex,
  type ParsedSigned,
  type SignedType,
  type Suite,
  Intake,
  parseTransfer,
} from "@pericard/protocol";
import { describe, expect, it } from "vitest";
import { toJson, type Json, type VectorCase } from "../../../vectors/cases/case.ts";
import { bytesOf, countCases, loadCases, numberOf, textOf } from "../../../vectors/load.ts";
import {
  CryptoError,
  deploymentProof,
  deriveGroupKey,
  ed25519Public,
  equalSecrets,
  hkdfExtract,
  hpkeOpen,
  keyChangeTranscript,
  keyGroup,
  openBlob,
  openEnvelope,
  openKeyOrder,
  openPackage,
  openReturned,
  openSegment,
  openWithPassphrase,
  sha256,
  verifyMessage,
  x25519Agreement,
  x25519Private,
  type BlobContext,
  type GroupKeyLabel,
  type TerminalBinding,
  openTransfer,
} from "../src/index.ts";

/** "accept" and what a case says, or the code of its refusal. Another class of error fails the test. */
function outcomeOf(open: () => Json): { readonly expect: string; readonly decoded?: Json } {
  try {
    return { expect: "accept", decoded: open() };
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof CryptoError) return { expect: error.code };
    if (error instanceof RangeError) return { expect: "RangeError" };
    throw error;
  }
}

function openSegmentCase(vector: VectorCase): Json {
  const parsed = parseSegment(bytesOf(vector, "bytesHex"));
  return toJson({ header: parsed.header, ...openSegment(bytesOf(vector, "storageKeyHex"), parsed) });
}

function openPackageCase(vector: VectorCase): Json {
  const parsed = parsePackage(bytesOf(vector, "bytesHex"));
  return toJson({ header: parsed.header, data: openPackage(bytesOf(vector, "dataKeyHex"), parsed).data });
}

function openEnvelopeCase(vector: VectorCase): Json {
  const parsed = parseEnvelope(bytesOf(vector, "bytesHex"));
  const pair = {
    privateKey: x25519Private(bytesOf(vector, "hpkePrivateKeyHex")),
    publicBytes: bytesOf(vector, "hpkePublicKeyHex"),
  };
  const key = bytesOf(vector, "transportKeyHex");
  const { segments } = openEnvelope(pair, key, parsed);
  const { header, recipient, encapsulatedKey, wrappedKey } = parsed;
  const contentKey = hpkeOpen(
    pair,
    { encapsulatedKey, ciphertext: wrappedKey },
    {
      info: recipientStructure(parsed.recipientProtectedBytes, parsed.protectedBytes),
      aad: new Uint8Array(0),
      psk: { key, id: encodePskId(recipient.cycle, recipient.index) },
    },
  );
  return toJson({ header, recipient, encapsulatedKey, wrappedKey, contentKey, segments });
}

const SEALED_TYPES = ["pericard/envelope", "pericard/key-order", "pericard/returned", "pericard/transfer"] as const;
type SealedType = (typeof SEALED_TYPES)[number];

const STATEMENTS: Readonly<Record<Exclude<SignedType, SealedType>, (payload: Uint8Array) => unknown>> = {
  "pericard/status": Status.decode,
  "pericard/gap": Gap.decode,
  "pericard/receipt": Receipt.decode,
  "pericard/conflict": Conflict.decode,
  "pericard/rejected": Rejected.decode,
  "pericard/rewrap": Rewrap.decode,
  "pericard/erased": Erased.decode,
  "pericard/stubs": Stubs.decode,
  "pericard/erasure": ErasureCertificate.decode,
  "pericard/command": Command.decode,
  "pericard/key-offer": KeyOffer.decode,
  "pericard/key-answer": KeyAnswer.decode,
  "pericard/key-taken": KeyTaken.decode,
  "pericard/key-refused": KeyRefused.decode,
  "pericard/fetch-back": FetchBack.decode,
  "pericard/fetch-challenge": FetchChallenge.decode,
  "pericard/key-statement": KeyStatement.decode,
  "pericard/intake": Intake.decode,
};

function isSealed(type: SignedType): type is SealedType {
  return SEALED_TYPES.some((sealed) => sealed === type);
}

function statementOf(message: ParsedSigned): unknown {
  const { type, payload } = message;
  return isSealed(type) ? null : STATEMENTS[type](payload);
}

function openSignedCase(vector: VectorCase): Json {
  const message = parseSigned(bytesOf(vector, "bytesHex"));
  verifyMessage(ed25519Public(bytesOf(vector, "publicKeyHex")), message);
  const { type, keyIdBytes, payload } = message;
  return toJson({ type, keyId: keyIdBytes, payload, statement: statementOf(message) });
}

function openTransferCase(vector: VectorCase): Json {
  const parsed = parseTransfer(bytesOf(vector, "bytesHex"));
  const privateKey = x25519Private(bytesOf(vector, "intakePrivateKeyHex"));
  const content = openTransfer({ privateKey, publicBytes: bytesOf(vector, "intakePublicKeyHex") }, parsed);
  const { header, intakeKey } = parsed;
  return toJson({ header, intakeKey, content });
}

function openReturnedCase(vector: VectorCase): Json {
  const parsed = parseReturned(bytesOf(vector, "bytesHex"));
  const privateKey = x25519Private(bytesOf(vector, "agreePrivateKeyHex"));
  const pair = { privateKey, publicBytes: bytesOf(vector, "agreePublicKeyHex") };
  const routing = RoutingId.parse(textOf(vector, "routing"));
  const asked = { routing, requestHash: bytesOf(vector, "requestHashHex") };
  const content = openReturned(pair, bytesOf(vector, "returnKeyHex"), parsed, asked);
  const { header, recipient } = parsed;
  return toJson({ header, recipient, content });
}

function openKeyOrderCase(vector: VectorCase): Json {
  const parsed = parseKeyOrder(bytesOf(vector, "bytesHex"));
  const secret = bytesOf(vector, "terminalSecretHex");
  const sharedSecret = x25519Agreement.agree(secret, bytesOf(vector, "serverPublicKeyHex"));
  const transcript = keyChangeTranscript(bytesOf(vector, "offerHex"), bytesOf(vector, "answerHex"));
  const order = openKeyOrder({ sharedSecret, commandKey: bytesOf(vector, "commandKeyHex"), transcript }, parsed);
  return toJson({ header: parsed.header, order });
}

function bindingOf(vector: VectorCase): TerminalBinding {
  return {
    suite: numberOf(vector, "suite") as Suite,
    tenant: TenantId.parse(textOf(vector, "tenant")),
    terminal: TerminalId.parse(textOf(vector, "terminal")),
  };
}

function deriveCase(vector: VectorCase): Json {
  const block = bytesOf(vector, "blockHex");
  const index = numberOf(vector, "index");
  const label = textOf(vector, "label") as GroupKeyLabel;
  const binding = bindingOf(vector);
  const key = deriveGroupKey(block, binding, label, numberOf(vector, "cycle"), index);
  expect(toHex(key)).toBe(vector.bytesHex);
  const group = keyGroup(block, index);
  const salt = sha256(
    encodeCbor([binding.suite, TenantId.toBytes(binding.tenant), TerminalId.toBytes(binding.terminal)]),
  );
  return toJson({ group, prk: hkdfExtract(salt, group) });
}

function proofCase(vector: VectorCase): Json {
  const proof = deploymentProof(bytesOf(vector, "blockHex"), bindingOf(vector), {
    challenge: bytesOf(vector, "challengeHex"),
    signPublicKey: bytesOf(vector, "signPublicKeyHex"),
    agreePublicKey: bytesOf(vector, "agreePublicKeyHex"),
  });
  return equalSecrets(proof, bytesOf(vector, "bytesHex"));
}

function openBlobCase(vector: VectorCase): Json {
  const context = decodeCbor(bytesOf(vector, "contextHex")) as BlobContext;
  return toJson({ plain: openBlob(bytesOf(vector, "keyHex"), context, bytesOf(vector, "bytesHex")) });
}

function openPassphraseCase(vector: VectorCase): Json {
  const passphrase = bytesOf(vector, "passphraseHex");
  return toJson({ plain: openWithPassphrase(passphrase, textOf(vector, "purpose"), bytesOf(vector, "bytesHex")) });
}

/** Each file with its counts, so that a loop over nothing cannot pass. */
const FILES = [
  { name: "segment", accepted: 6, refused: 196, open: openSegmentCase },
  { name: "data-package", accepted: 5, refused: 106, open: openPackageCase },
  { name: "envelope", accepted: 5, refused: 112, open: openEnvelopeCase },
  { name: "signed", accepted: 36, refused: 287, open: openSignedCase },
  { name: "key-order", accepted: 5, refused: 94, open: openKeyOrderCase },
  { name: "returned", accepted: 8, refused: 65, open: openReturnedCase },
  { name: "transfer", accepted: 3, refused: 58, open: openTransferCase },
  { name: "key-schedule", accepted: 20, refused: 7, open: deriveCase },
  { name: "blob", accepted: 2, refused: 15, open: openBlobCase },
  { name: "passphrase", accepted: 3, refused: 25, open: openPassphraseCase },
] as const;

describe.each(FILES)("$name vectors", ({ name, accepted, refused, open }) => {
  const cases = loadCases(name);

  it.each(cases)("$name", (vector) => {
    const { expect: expected, decoded } = vector;
    expect(outcomeOf(() => open(vector))).toEqual(
      decoded === undefined ? { expect: expected } : { expect: expected, decoded },
    );
  });

  it("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted, refused });
  });
});

describe("deployment vectors", () => {
  const cases = loadCases("deployment");

  it.each(cases)("$name", (vector) => {
    expect(proofCase(vector)).toBe(vector.expect === "accept");
  });

  it("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 1, refused: 13 });
  });
});
