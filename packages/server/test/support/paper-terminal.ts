/** A terminal of suite paper-2018 whose keys a test holds, so that it can say anything, also what no module would. */
import {
  drawPaperRsaPair,
  ed25519Private,
  paperRsaPrivate,
  paperRsaPublic,
  paperStorageKey,
  paperTransportKey,
  rawPublicKey,
  sealPaperEnvelope,
  sealPaperSegment,
  sha256,
  signMessage,
  systemRandom,
  type KeyObject,
  type PaperSealKeys,
} from "@pericard/crypto";
import type { KeyStore, PaperTenant, Terminal } from "@pericard/custody";
import { BYTE_CODECS, getSegmentCodec } from "@pericard/ecg";
import {
  BootId,
  encodePaperContent,
  Gap,
  RoutingId,
  SUITE,
  type PaperCodec,
  type PaperSegmentHeader,
  type RecordingId,
  type SignedType,
  type TenantId,
  type WaveformShape,
} from "@pericard/protocol";
import { createNoise, PLAIN_SHAPE } from "./test-recording.ts";
import { drawRecording } from "./test-terminal.ts";

/** One segment as made. */
export interface PaperMade {
  readonly sealed: Uint8Array;
  readonly hash: Uint8Array;
  readonly leads: readonly Int32Array[];
}

export class PaperTestTerminal {
  readonly registered: Terminal;
  readonly tenant: PaperTenant;
  readonly recording: RecordingId = drawRecording();
  readonly shape: WaveformShape = PLAIN_SHAPE;
  readonly #block: Uint8Array;
  readonly #signKey: KeyObject;
  readonly #envelopeKey: KeyObject;
  readonly #noise = createNoise(7);
  #prev: Uint8Array | null = null;
  #sequence = 0;

  /** Registers a terminal as the factory does, but with keys that the test keeps. */
  constructor(store: KeyStore, tenant: TenantId, nowUnixMs: number) {
    this.tenant = store.getPaperTenant(tenant);
    this.#block = systemRandom(960);
    this.#signKey = ed25519Private(systemRandom(32));
    const { privateDer, publicDer } = drawPaperRsaPair(this.tenant.leave);
    this.#envelopeKey = paperRsaPrivate(this.tenant.leave, privateDer);
    const block = { index: store.nextBlockIndex, block: this.#block };
    const { serial } = store.allocatePaperTerminal(this.tenant.leave, block, nowUnixMs);
    const signPublicKey = rawPublicKey(this.#signKey);
    this.registered = store.activatePaperTerminal({ serial, signPublicKey, envelopePublicKey: publicDer });
  }

  get routing(): RoutingId {
    return this.registered.routing;
  }

  /** The next segment of the terminal's one recording; `header` may say what is not true. */
  next(frameCount = 250, header: Partial<PaperSegmentHeader> = {}): PaperMade {
    const { serial, tenant } = this.registered;
    const leads = this.shape.leads.map(() =>
      Int32Array.from({ length: frameCount }, () => (this.#noise() % 4000) - 2000),
    );
    const place = { recording: this.recording, stream: 0, sequence: this.#sequence, prev: this.#prev, final: false };
    const use = { cycle: 0, index: 0, use: this.#sequence, policyVersion: 0 };
    const full = { suite: SUITE.paper2018, tenant, terminal: serial, ...place, ...use, ...header };
    const descriptor = {
      kind: 1,
      boot: null,
      claimed: null,
      firstFrame: this.#sequence * frameCount,
      frameCount,
      shape: this.shape,
      predecessor: null,
    } as const;
    const samples = getSegmentCodec("raw").encode(leads, []);
    const key = paperStorageKey(this.tenant.leave, this.#block, full.index);
    const sealed = sealPaperSegment(this.tenant.leave, key, full, descriptor, samples);
    this.#sequence += 1;
    this.#prev = sha256(sealed);
    return { sealed, hash: this.#prev, leads };
  }

  /** What a codec makes of segments, or of any content, sealed and signed. */
  envelope(
    segments: readonly Uint8Array[] | Uint8Array,
    wish: Partial<PaperSealKeys> & { readonly codec?: PaperCodec; readonly routing?: RoutingId } = {},
  ): Uint8Array {
    const { leave, publicDer } = this.tenant;
    const { codec = "gzip", routing = this.routing, ...keys } = wish;
    const encoded = segments instanceof Uint8Array ? segments : BYTE_CODECS[codec].encode(encodePaperContent(segments));
    const sealKeys = {
      transportKey: paperTransportKey(leave, this.#block, 0),
      cycle: 0,
      index: 0,
      recipient: paperRsaPublic(leave, publicDer),
      signKey: this.#envelopeKey,
      ...keys,
    };
    return sealPaperEnvelope(leave, sealKeys, routing, { codec, encoded }, systemRandom).bytes;
  }

  /** A signed gap of the terminal's recording. */
  gap(sequence: number): Uint8Array {
    const { routing, recording } = this;
    const boot = { bootId: BootId.parse("00".repeat(8)), monotonicMs: 7 };
    return this.sign(
      "pericard/gap",
      Gap.encode({ routing, recording, stream: 0, sequence, cause: "unreadable", ...boot }),
    );
  }

  /** A message of pericard-1's form, signed with the key of statements. */
  sign(type: SignedType, payload: Uint8Array): Uint8Array {
    return signMessage(this.#signKey, type, RoutingId.toBytes(this.routing), payload);
  }
}
