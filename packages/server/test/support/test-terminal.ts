/** A terminal whose keys a test holds, so that it can say anything, also what no module would. */
import {
  deriveGroupKey,
  ed25519Private,
  rawPublicKey,
  sealEnvelope,
  sealSegment,
  sha256,
  signMessage,
  systemRandom,
  x25519Private,
  x25519Public,
  type KeyObject,
  type SegmentBodyDraft,
  type SegmentHeaderDraft,
} from "@pericard/crypto";
import type { KeyStore, Terminal } from "@pericard/custody";
import {
  BootId,
  Gap,
  RecordingId,
  RoutingId,
  Status,
  SUITE,
  type KeyId,
  type SignedType,
  type TenantId,
} from "@pericard/protocol";

const FIRST_USE = { cycle: 0, index: 0, use: 0, policyVersion: 0 } as const;

/** A recording id that nobody has. */
export const drawRecording = (): RecordingId => RecordingId.fromBytes(systemRandom(16));

/** A boot id that nobody has. */
export const drawBoot = (): BootId => BootId.fromBytes(systemRandom(8));

/** What a test may say of a status; the rest is filled in. */
export type StatusWish = Partial<Omit<Status, "routing">>;

export class TestTerminal {
  readonly registered: Terminal;
  readonly block: Uint8Array;
  readonly signKey: KeyObject;
  readonly agreeKey: KeyObject;
  readonly #server: { readonly keyId: KeyId; readonly publicKey: KeyObject };
  #contact = 0;
  #use = 0;

  private constructor(
    store: KeyStore,
    registered: Terminal,
    { block, signKey, agreeKey }: Pick<TestTerminal, "block" | "signKey" | "agreeKey">,
  ) {
    const [hpke] = store.serverKeys("hpke");
    if (!hpke) throw new Error("key store has no hpke key");
    this.registered = registered;
    this.block = block;
    this.signKey = signKey;
    this.agreeKey = agreeKey;
    this.#server = { keyId: hpke.keyId, publicKey: x25519Public(hpke.publicBytes) };
  }

  /** Registers a terminal as the factory does, but with keys that the test keeps. */
  static register(store: KeyStore, tenant: TenantId, nowUnixMs: number): TestTerminal {
    const block = systemRandom(960);
    const signKey = ed25519Private(systemRandom(32));
    const { serial } = store.allocateTerminal(tenant, block, nowUnixMs);
    const agreeKey = x25519Private(systemRandom(32));
    const registered = store.activateTerminal(serial, rawPublicKey(signKey), rawPublicKey(agreeKey));
    return new TestTerminal(store, registered, { block, signKey, agreeKey });
  }

  get routing(): RoutingId {
    return this.registered.routing;
  }

  /** One sealed segment; `header` may say what is not true. */
  segment(
    place: Pick<SegmentHeaderDraft, "recording" | "sequence" | "prev" | "final">,
    body: SegmentBodyDraft,
    header: Partial<SegmentHeaderDraft> = {},
  ): Uint8Array {
    const { serial, tenant } = this.registered;
    const suite = SUITE.pericard1;
    const draft = { suite, tenant, terminal: serial, stream: 0, ...FIRST_USE, use: this.#use, ...place, ...header };
    this.#use += 1;
    const binding = { suite, tenant, terminal: serial };
    const key = deriveGroupKey(this.block, binding, "storage", draft.cycle, draft.index);
    return sealSegment(key, draft, body, systemRandom);
  }

  /** The COSE_Encrypt of an envelope, unsigned. */
  sealContent(segments: readonly Uint8Array[], wish: { routing?: RoutingId; hpkeKey?: KeyId } = {}): Uint8Array {
    const { serial, tenant } = this.registered;
    const suite = SUITE.pericard1;
    const transportKey = deriveGroupKey(this.block, { suite, tenant, terminal: serial }, "transport", 0, 0);
    const keys = {
      hpkeKey: wish.hpkeKey ?? this.#server.keyId,
      hpkePublic: this.#server.publicKey,
      transportKey,
      cycle: 0,
      index: 0,
    };
    return sealEnvelope(keys, wish.routing ?? this.routing, segments, systemRandom).bytes;
  }

  sign(type: SignedType, payload: Uint8Array, routing: RoutingId = this.routing): Uint8Array {
    return signMessage(this.signKey, type, RoutingId.toBytes(routing), payload);
  }

  envelope(...segments: readonly Uint8Array[]): Uint8Array {
    return this.sign("pericard/envelope", this.sealContent(segments));
  }

  gap(
    recording: RecordingId,
    sequence: number,
    wish: { routing?: RoutingId; cause?: "unreadable" | "quarantined"; monotonicMs?: number } = {},
  ): Uint8Array {
    const { routing = this.routing, cause = "unreadable", monotonicMs = 7 } = wish;
    const bootId = BootId.parse("00".repeat(8));
    return this.sign(
      "pericard/gap",
      Gap.encode({ routing, recording, stream: 0, sequence, cause, bootId, monotonicMs }),
    );
  }

  status(wish: StatusWish & { routing?: RoutingId } = {}): Uint8Array {
    this.#contact += 1;
    const status: Status = {
      routing: this.routing,
      contact: this.#contact,
      bootId: BootId.parse("00".repeat(8)),
      monotonicMs: 1000,
      clockUnixMs: null,
      mailSeen: 0,
      journalItemCount: 0,
      journalBytes: 0,
      journalLimitBytes: 1_000_000,
      quarantineCount: 0,
      policyVersion: 0,
      segmentLengthMs: 10_000,
      cycle: 0,
      index: 0,
      use: 0,
      heads: [],
      ...wish,
    };
    return this.sign("pericard/status", Status.encode(status));
  }
}

/** The suite that everything here has. */
export const SUITE_USED = SUITE.pericard1;

/** h of a sealed segment or statement. */
export const hashOf = (bytes: Uint8Array): Uint8Array => sha256(bytes);
