/** Vectors of the way from a key block to its keys, and of the deployment check. Source: docs/format.md §4.1. */
import { createHash, createHmac } from "node:crypto";
import {
  deploymentProof,
  deriveGroupKey,
  keyGroup,
  type DeploymentChallenge,
  type GroupKeyLabel,
  type TerminalBinding,
} from "@pericard/crypto";
import { concatBytes, TenantId, TerminalId, toHex } from "@pericard/protocol";
import type { VectorCase, VectorFile } from "./case.ts";
import { array, bytes, int } from "./cbor-writer.ts";
import { flipBit } from "./edit.ts";
import { BINDING, BLOCK, HASH, OTHER_BLOCK, TERMINAL_AGREE, TERMINAL_SIGN } from "./fixtures.ts";

const LABELS: readonly GroupKeyLabel[] = ["storage", "transport", "command", "return"];
const WRAPPING = [0, 1, 111, 112, 113, 114, 115, 116, 117, 118, 119];
const OTHER_BINDING: TerminalBinding = { ...BINDING, terminal: TerminalId.parse("0123456789ab") };
const OTHER_TENANT: TerminalBinding = { ...BINDING, tenant: TenantId.parse("00".repeat(16)) };

function bindingInputs(binding: TerminalBinding) {
  return { suite: binding.suite, tenant: binding.tenant, terminal: binding.terminal };
}

/** PRK by the steps of the text, beside the code's own. */
function prkOf(binding: TerminalBinding, group: Uint8Array): Uint8Array {
  const encoded = array([
    int(binding.suite),
    bytes(TenantId.toBytes(binding.tenant)),
    bytes(TerminalId.toBytes(binding.terminal)),
  ]);
  const salt = createHash("sha256").update(encoded).digest();
  return new Uint8Array(createHmac("sha256", salt).update(group).digest());
}

function keyCase(
  name: string,
  binding: TerminalBinding,
  label: GroupKeyLabel,
  cycle: number,
  index: number,
): VectorCase {
  const group = keyGroup(BLOCK, index);
  return {
    name,
    expect: "accept",
    blockHex: toHex(BLOCK),
    ...bindingInputs(binding),
    label,
    cycle,
    index,
    bytesHex: toHex(deriveGroupKey(BLOCK, binding, label, cycle, index)),
    decoded: { group: toHex(group), prk: toHex(prkOf(binding, group)) },
  };
}

function misuse(name: string, block: Uint8Array, cycle: number, index: number): VectorCase {
  const inputs = { blockHex: toHex(block), ...bindingInputs(BINDING), label: "storage", cycle, index };
  return { name, expect: "RangeError", ...inputs, bytesHex: "" };
}

/** Every vector of the key schedule. */
export function keyScheduleVectors(): VectorFile {
  return {
    structure: "key schedule",
    source: "docs/format.md §4.1",
    steps: "take the group of eight keys, PRK = HKDF-Extract, K_label = HKDF-Expand: bytes",
    cases: [
      ...WRAPPING.map((index) => keyCase(`storage key of group ${index}`, BINDING, "storage", 0, index)),
      ...LABELS.map((label) => keyCase(`${label} key`, BINDING, label, 1, 117)),
      keyCase("storage key of the next cycle", BINDING, "storage", 2, 117),
      keyCase("storage key of cycle 24", BINDING, "storage", 24, 117),
      keyCase("storage key of the last cycle", BINDING, "storage", 2 ** 32 - 1, 119),
      keyCase("storage key of another terminal with the same block", OTHER_BINDING, "storage", 1, 117),
      keyCase("storage key of another tenant with the same block", OTHER_TENANT, "storage", 1, 117),
      misuse("block of 959 bytes", BLOCK.slice(1), 0, 0),
      misuse("block of 961 bytes", concatBytes(BLOCK, Uint8Array.of(0)), 0, 0),
      misuse("index 120", BLOCK, 0, 120),
      misuse("negative index", BLOCK, 0, -1),
      misuse("index that is no integer", BLOCK, 0, 0.5),
      misuse("cycle 2^32", BLOCK, 2 ** 32, 0),
      misuse("negative cycle", BLOCK, -1, 0),
    ],
  };
}

interface Deployment {
  readonly block: Uint8Array;
  readonly binding: TerminalBinding;
  readonly about: DeploymentChallenge;
}

const DEPLOYMENT: Deployment = {
  block: BLOCK,
  binding: BINDING,
  about: { challenge: HASH, signPublicKey: TERMINAL_SIGN.publicBytes, agreePublicKey: TERMINAL_AGREE.publicBytes },
};

function proofCase(name: string, expect: "accept" | "differs", proof: Uint8Array, checked: Deployment): VectorCase {
  return {
    name,
    expect,
    blockHex: toHex(checked.block),
    ...bindingInputs(checked.binding),
    challengeHex: toHex(checked.about.challenge),
    signPublicKeyHex: toHex(checked.about.signPublicKey),
    agreePublicKeyHex: toHex(checked.about.agreePublicKey),
    bytesHex: toHex(proof),
  };
}

/** Every vector of the deployment check. */
export function deploymentVectors(): VectorFile {
  const proof = deploymentProof(DEPLOYMENT.block, DEPLOYMENT.binding, DEPLOYMENT.about);
  const { about } = DEPLOYMENT;
  const differs = (name: string, edit: Partial<Deployment>): VectorCase =>
    proofCase(name, "differs", proof, { ...DEPLOYMENT, ...edit });
  const swapped = { ...about, signPublicKey: about.agreePublicKey, agreePublicKey: about.signPublicKey };
  return {
    structure: "deployment check",
    source: "docs/format.md §4.2",
    steps: "compute the proof from the inputs: it is bytes, or, in a case that expects differs, it is not",
    cases: [
      proofCase("a proof", "accept", proof, DEPLOYMENT),
      differs("first bit of the block is another", { block: flipBit(BLOCK, 0, 7) }),
      differs("last bit of the block is another", { block: flipBit(BLOCK, -1) }),
      differs("block is another terminal's", { block: OTHER_BLOCK }),
      differs("serial is another", { binding: OTHER_BINDING }),
      differs("tenant is another", { binding: OTHER_TENANT }),
      differs("suite is another", { binding: { ...BINDING, suite: 0 } }),
      differs("challenge is another", { about: { ...about, challenge: flipBit(about.challenge, 31) } }),
      differs("challenge is a byte longer", {
        about: { ...about, challenge: concatBytes(about.challenge, Uint8Array.of(0)) },
      }),
      differs("signing key is another", { about: { ...about, signPublicKey: flipBit(about.signPublicKey, 0) } }),
      differs("agreement key is another", { about: { ...about, agreePublicKey: flipBit(about.agreePublicKey, 0) } }),
      differs("public keys are in another order", { about: swapped }),
      proofCase("first bit of the proof is turned over", "differs", flipBit(proof, 0), DEPLOYMENT),
      proofCase("proof has lost a byte", "differs", proof.slice(0, 31), DEPLOYMENT),
    ],
  };
}
