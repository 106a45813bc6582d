/** The terminals of a benchmark, deployed by the factory, and the envelopes that they have ready. */
import { deriveGroupKey, sha256, x25519Public, type RandomSource } from "@pericard/crypto";
import type { KeyStore } from "@pericard/custody";
import { createSynthesiser, encodeLeadResidual, type SampleBlock, type WaveformFormat } from "@pericard/ecg";
import { deployTerminal } from "@pericard/factory";
import { createMemoryFolder } from "@pericard/framelog";
import { BODY_KIND, BootId, RecordingId, type RoutingId, type TenantId } from "@pericard/protocol";
import { openTerminalModule, type EnvelopeRecipient, type SecureModule } from "@pericard/trsm";

/** Ten seconds of twelve leads at 500 Hz. */
const FRAMES_PER_SEGMENT = 5000;
const SEGMENT_MS = 10_000;
/** With this noise ten seconds are about 20 kB encoded, as a filtered recording's are. */
const SYNTHESISER = { seed: 12, noiseUv: 1.5 } as const;

/** One signed envelope of one segment, and the h that a receipt has to list. */
export interface PreparedEnvelope {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

/** Keys of one terminal, in cycle 0 and at index 0, as a reader needs them. */
export interface TerminalKeys {
  readonly routing: RoutingId;
  readonly signPublicKey: Uint8Array;
  readonly storageKey: Uint8Array;
  readonly transportKey: Uint8Array;
}

/** What a reader must get of one terminal. */
export interface FleetRecording {
  readonly recording: RecordingId;
  readonly format: WaveformFormat;
  readonly frameCount: number;
  readonly blocks: () => AsyncGenerator<SampleBlock>;
}

interface FleetTerminal {
  readonly routing: RoutingId;
  readonly module: SecureModule;
  readonly recording: RecordingId;
  readonly bootId: BootId;
  sequence: number;
  prev: Uint8Array | null;
}

export interface FleetPlan {
  readonly store: KeyStore;
  readonly tenant: TenantId;
  readonly terminalCount: number;
  readonly random: RandomSource;
  readonly nowUnixMs: () => number;
}

/** Terminals that record the same ten seconds again and again, each into its own recording and chain. */
export class Fleet {
  readonly #terminals: readonly FleetTerminal[];
  readonly #recipient: EnvelopeRecipient;
  readonly #encoded: Uint8Array;
  readonly #block: SampleBlock;
  readonly #shape: WaveformFormat;
  #turn = 0;

  private constructor(terminals: readonly FleetTerminal[], recipient: EnvelopeRecipient) {
    this.#terminals = terminals;
    this.#recipient = recipient;
    const synthesiser = createSynthesiser(SYNTHESISER);
    this.#shape = synthesiser.format;
    this.#block = synthesiser.block(0, FRAMES_PER_SEGMENT);
    this.#encoded = encodeLeadResidual(
      this.#block.leads,
      synthesiser.format.leads.map(({ name }) => name),
    );
  }

  /** Deploys the terminals into folders in memory and registers them. */
  static deploy({ store, tenant, terminalCount, random, nowUnixMs }: FleetPlan): {
    readonly fleet: Fleet;
    readonly keys: readonly TerminalKeys[];
  } {
    const [hpke] = store.serverKeys("hpke");
    if (!hpke) throw new TypeError("key store has no hpke key");
    const terminals: FleetTerminal[] = [];
    const keys: TerminalKeys[] = [];
    const factory = { store, sequenceFolder: createMemoryFolder(), random, nowUnixMs };
    for (let i = 0; i < terminalCount; i += 1) {
      const folder = createMemoryFolder();
      const { serial, routing } = deployTerminal(factory, tenant, folder, []);
      const module = openTerminalModule(folder, random, nowUnixMs);
      const recording = RecordingId.fromBytes(random(16));
      terminals.push({ routing, module, recording, bootId: BootId.fromBytes(random(8)), sequence: 0, prev: null });
      const binding = { suite: store.getTerminal(serial).suite, tenant, terminal: serial };
      const block = store.openBlock(serial);
      keys.push({
        routing,
        signPublicKey: module.signPublicKey,
        storageKey: deriveGroupKey(block, binding, "storage", 0, 0),
        transportKey: deriveGroupKey(block, binding, "transport", 0, 0),
      });
    }
    const recipient = { hpkeKey: hpke.keyId, hpkePublic: x25519Public(hpke.publicBytes) };
    return { fleet: new Fleet(terminals, recipient), keys };
  }

  /** Bytes of one segment's encoded samples. */
  get segmentBytes(): number {
    return this.#encoded.length;
  }

  /** What the terminals recorded so far, in the order of their keys. */
  get recorded(): readonly FleetRecording[] {
    return this.#terminals.map(({ recording, sequence }) => ({
      recording,
      format: this.#shape,
      frameCount: sequence * FRAMES_PER_SEGMENT,
      blocks: () => this.#repeat(sequence),
    }));
  }

  /** The next envelopes, the terminals by turns. No two have a salt, a key or a place in common. */
  prepare(count: number): readonly PreparedEnvelope[] {
    return Array.from({ length: count }, () => {
      const terminal = this.#terminals[this.#turn % this.#terminals.length] as FleetTerminal;
      this.#turn += 1;
      return this.#next(terminal);
    });
  }

  async *#repeat(count: number): AsyncGenerator<SampleBlock> {
    for (let i = 0; i < count; i += 1) yield this.#block;
  }

  #next(terminal: FleetTerminal): PreparedEnvelope {
    const { module, recording, routing, sequence, prev } = terminal;
    const sealed = module.sealSegment(
      { recording, stream: 0, sequence, prev, final: false },
      { descriptor: this.#describe(terminal), codec: "lead-residual", encoded: this.#encoded },
    );
    const hash = sha256(sealed);
    terminal.sequence += 1;
    terminal.prev = hash;
    return { bytes: module.sealEnvelope(this.#recipient, routing, [sealed]), hash };
  }

  #describe({ bootId, sequence }: FleetTerminal) {
    return {
      kind: BODY_KIND.waveform,
      boot: { bootId, monotonicMs: sequence * SEGMENT_MS },
      claimed: null,
      firstFrame: sequence * FRAMES_PER_SEGMENT,
      frameCount: FRAMES_PER_SEGMENT,
      shape: this.#shape,
      predecessor: null,
    };
  }
}
