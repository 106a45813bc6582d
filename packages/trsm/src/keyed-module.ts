/** A secure module over an image that an adapter opened. Holds keys in memory for as long as it lives. */
import {
  deploymentProof,
  deriveGroupKey,
  ed25519Private,
  hkdf,
  openBlob,
  openReturned,
  openSegment,
  rawPublicKey,
  sealBlob,
  sealEnvelope,
  sealSegment,
  signMessage,
  x25519Agreement,
  x25519Private,
  type KeyObject,
  type RandomSource,
  type TerminalBinding,
} from "@pericard/crypto";
import { encodeCbor, parseReturned, parseSegment, RoutingId, type TenantId } from "@pericard/protocol";
import type { Counters } from "./counters.ts";
import { TrsmError } from "./errors.ts";
import { pericardMessages } from "./exchange-messages.ts";
import type { PericardImage } from "./image-pericard-1.ts";
import { createKeyChangeSteps, type ExchangePowers } from "./key-exchange.ts";
import type { SecureModule, SignStatement } from "./secure-module.ts";

const NO_SALT = new Uint8Array(0);

/** A terminal's identity keys: HKDF of the seed that the module drew. Never of the block, which the server knows. */
export function identityKeys(seed: Uint8Array): { signKey: KeyObject; agreeKey: KeyObject } {
  return {
    signKey: ed25519Private(hkdf(NO_SALT, seed, encodeCbor(["sign"]), 32)),
    agreeKey: x25519Private(hkdf(NO_SALT, seed, encodeCbor(["agree"]), 32)),
  };
}

/** How a module keeps the shared secret of an exchange: sealed under a key that only its own identity seed gives. */
export function exchangeSecrets(
  seed: Uint8Array,
  random: RandomSource,
): Pick<ExchangePowers, "sealSecret" | "openSecret"> {
  const key = hkdf(NO_SALT, seed, encodeCbor(["key-change"]), 32);
  return {
    sealSecret: (version, secret) => sealBlob(key, ["key-change", version], secret, random),
    openSecret: (version, sealed) => openBlob(key, ["key-change", version], sealed),
  };
}

/** Seals notes under a key that only the identity seed gives. */
function noteSeals(seed: Uint8Array, random: RandomSource): Pick<SecureModule, "sealNote" | "openNote"> {
  const key = hkdf(NO_SALT, seed, encodeCbor(["note"]), 32);
  return {
    sealNote: (kind, number, plain) => sealBlob(key, [kind, number], plain, random),
    openNote: (kind, number, sealed) => openBlob(key, [kind, number], sealed),
  };
}

/**
 * Makes the module of an opened image.
 *
 * @throws {TrsmError} ERR_TRSM_EMPTY when the identity was not drawn.
 */
export function createKeyedModule(
  image: PericardImage,
  tenant: TenantId,
  counters: Counters,
  random: RandomSource,
): SecureModule {
  if (image.identitySeed.every((byte) => byte === 0)) {
    throw new TrsmError("ERR_TRSM_EMPTY", "module has no identity");
  }
  const { signKey, agreeKey } = identityKeys(image.identitySeed);
  const binding: TerminalBinding = { suite: image.suite, tenant, terminal: image.serial };
  const groupKey = rememberLast((label: GroupLabel, cycle: number, index: number) =>
    deriveGroupKey(image.block, binding, label, cycle, index),
  );
  const signPublicKey = rawPublicKey(signKey);
  const agreePublicKey = rawPublicKey(agreeKey);
  const sign: SignStatement = (type, routing, payload) =>
    signMessage(signKey, type, RoutingId.toBytes(routing), payload);
  return {
    suite: image.suite,
    terminal: image.serial,
    rootPin: image.rootPin,
    signPublicKey,
    agreePublicKey,
    get keyUse() {
      return counters.current;
    },
    sealSegment: (request, body) => {
      const use = counters.takeUse();
      const draft = { suite: image.suite, tenant, terminal: image.serial, ...request, ...use };
      return sealSegment(groupKey("storage", use.cycle, use.index), draft, body, random);
    },
    openSegment: (sealed) => {
      const parsed = parseSegment(sealed);
      const { cycle, index } = parsed.header;
      return openSegment(deriveGroupKey(image.block, binding, "storage", cycle, index), parsed).body;
    },
    ...noteSeals(image.identitySeed, random),
    sealEnvelope: (recipient, routing, segments) => {
      const { cycle, index } = counters.current;
      const keys = { ...recipient, transportKey: groupKey("transport", cycle, index), cycle, index };
      const { bytes } = sealEnvelope(keys, routing, segments, random);
      return signMessage(signKey, "pericard/envelope", RoutingId.toBytes(routing), bytes);
    },
    openReturned: (payload, asked) => {
      const parsed = parseReturned(payload);
      const { cycle, index } = parsed.recipient;
      const pair = { privateKey: agreeKey, publicBytes: agreePublicKey };
      return openReturned(pair, groupKey("return", cycle, index), parsed, asked);
    },
    sign,
    takeContact: () => counters.takeContact(),
    ...createKeyChangeSteps({
      counters,
      agreement: x25519Agreement,
      random,
      sign,
      messages: pericardMessages(sign, (cycle, index) => deriveGroupKey(image.block, binding, "command", cycle, index)),
      ...exchangeSecrets(image.identitySeed, random),
    }),
    answerChallenge: (challenge) => deploymentProof(image.block, binding, { challenge, signPublicKey, agreePublicKey }),
  };
}

type GroupLabel = "storage" | "transport" | "return";
type GroupKey = (label: GroupLabel, cycle: number, index: number) => Uint8Array;

/** Keeps the newest key of each label, since a key serves many segments in a row. */
function rememberLast(derive: GroupKey): GroupKey {
  const last = new Map<string, { place: string; key: Uint8Array }>();
  return (label, cycle, index) => {
    const place = `${cycle}/${index}`;
    const known = last.get(label);
    if (known?.place === place) return known.key;
    const key = derive(label, cycle, index);
    last.set(label, { place, key });
    return key;
  };
}
