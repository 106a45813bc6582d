/**
 * A module of suite paper-2018: what it does with an opened image and the keys beside it.
 *
 * Unlike the paper's, it gives no key out: MD5 and DES are computed inside.
 *
 * Source: paper A §II.A, F to H, §III, Fig. 1; docs/format-paper-2018.md §4 to §7.
 */
import {
  openPaperSegment,
  paperAgreement,
  paperBlockDigest,
  paperRsaPrivate,
  paperRsaPublic,
  paperStorageKey,
  paperTransportKey,
  rawPublicKey,
  sealPaperEnvelope,
  sealPaperSegment,
  sha256,
  signMessage,
  SyntheticTenant,
  type PaperPlain,
  type RandomSource,
} from "@pericard/crypto";
import {
  BODY_KIND,
  encodePaperCheck,
  parsePaperSegment,
  RoutingId,
  SUITE,
  type EnvelopeId,
  type SegmentBody,
} from "@pericard/protocol";
import type { Counters } from "./counters.ts";
import { paperMessages } from "./exchange-messages.ts";
import type { PaperImage } from "./image-paper-2018.ts";
import { createKeyChangeSteps } from "./key-exchange.ts";
import { exchangeSecrets, identityKeys } from "./keyed-module.ts";
import type { PaperSecrets } from "./paper-secrets.ts";
import type { KeyChangeSteps, SecureModule, SignStatement } from "./secure-module.ts";

/** The codec of samples that DES(k_i) is given. */
export const PAPER_SAMPLE_CODEC = "raw";

type SharedMembers = "terminal" | "rootPin" | "signPublicKey" | "keyUse" | "openSegment" | "sign" | "takeContact";

/** A loaded module of suite paper-2018. M1 and M3 of its key changes are signed by nobody. */
export interface PaperModule extends KeyChangeSteps, Pick<SecureModule, SharedMembers> {
  readonly suite: typeof SUITE.paper2018;
  /** SubjectPublicKeyInfo of the RSA key that signs envelopes: paper B's P_K-R. `signPublicKey` is for statements. */
  readonly envelopePublicKey: Uint8Array;
  /**
   * Seals one segment under k_i and counts one use.
   *
   * @throws {RangeError} when the samples are encoded by another codec than `raw`: the paper's order compresses later.
   */
  sealSegment: SecureModule["sealSegment"];
  /** Seals what a codec made of 1 to 64 sealed segments under K_C, and signs: the bytes of an envelope and its id. */
  sealEnvelope(routing: RoutingId, plain: PaperPlain): { readonly envelope: EnvelopeId; readonly bytes: Uint8Array };
  /** The serial number and MD5 of the whole block. Source: paper A §II.G. */
  deploymentCheck(): Uint8Array;
}

/** Makes the module of an opened image. @throws {RangeError} when a key beside it is of another kind or size. */
export function createPaperModule(
  leave: SyntheticTenant,
  image: PaperImage,
  secrets: PaperSecrets,
  counters: Counters,
  random: RandomSource,
): PaperModule {
  const { block, serial } = image;
  const tenant = SyntheticTenant.idOf(leave);
  const statementKey = identityKeys(secrets.identitySeed).signKey;
  const signKey = paperRsaPrivate(leave, secrets.privateDer);
  const recipient = paperRsaPublic(leave, secrets.serverPublicDer);
  const sign: SignStatement = (type, routing, payload) =>
    signMessage(statementKey, type, RoutingId.toBytes(routing), payload);
  return {
    suite: SUITE.paper2018,
    terminal: serial,
    rootPin: secrets.rootPin,
    signPublicKey: rawPublicKey(statementKey),
    envelopePublicKey: secrets.publicDer,
    get keyUse() {
      return counters.current;
    },
    sealSegment: (request, { codec, descriptor, encoded }) => {
      if (codec !== PAPER_SAMPLE_CODEC) throw new RangeError(`codec: expected ${PAPER_SAMPLE_CODEC}, got ${codec}`);
      if (descriptor.kind !== BODY_KIND.waveform) throw new RangeError("descriptor: expected one of samples");
      const use = counters.takeUse();
      const header = { suite: SUITE.paper2018, tenant, terminal: serial, ...request, ...use };
      return sealPaperSegment(leave, paperStorageKey(leave, block, use.index), header, descriptor, encoded);
    },
    openSegment: (sealed): SegmentBody => {
      const segment = parsePaperSegment(sealed);
      const encoded = openPaperSegment(leave, paperStorageKey(leave, block, segment.header.index), segment);
      return { descriptor: segment.descriptor, codec: PAPER_SAMPLE_CODEC, digest: sha256(encoded), encoded };
    },
    sealEnvelope: (routing, plain) => {
      const { cycle, index } = counters.current;
      const transportKey = paperTransportKey(leave, block, index);
      return sealPaperEnvelope(leave, { transportKey, cycle, index, recipient, signKey }, routing, plain, random);
    },
    sign,
    takeContact: () => counters.takeContact(),
    ...createKeyChangeSteps({
      counters,
      agreement: paperAgreement(leave, image),
      messages: paperMessages(leave),
      random,
      sign,
      ...exchangeSecrets(secrets.identitySeed, random),
    }),
    deploymentCheck: () => encodePaperCheck({ terminal: serial, digest: paperBlockDigest(leave, block) }),
  };
}
