/** The keys and ids that all vectors share. They protect nothing: everybody can read them here. */
import {
  deriveGroupKey,
  ed25519Private,
  KEY_BLOCK_BYTES,
  keyIdOf,
  rawPublicKey,
  sha256,
  x25519Private,
  type GroupKeyLabel,
  type RandomSource,
  type TerminalBinding,
} from "@pericard/crypto";
import {
  BootId,
  concatBytes,
  EnvelopeId,
  IntakeId,
  RecordingId,
  RoutingId,
  SUITE,
  TenantId,
  TerminalId,
  utf8,
  type KeyUse,
  type SegmentPlace,
} from "@pericard/protocol";

/** A source that gives the same bytes for the same seed: SHA-256(seed ‖ counter as 4 bytes, big-endian), block by block. */
export function seededRandom(seed: string): RandomSource {
  let counter = 0;
  let rest = new Uint8Array(0);
  return (sizeBytes) => {
    while (rest.length < sizeBytes) {
      const count = new Uint8Array(4);
      new DataView(count.buffer).setUint32(0, counter);
      counter += 1;
      rest = new Uint8Array(concatBytes(rest, sha256(concatBytes(utf8(seed), count))));
    }
    const given = rest.slice(0, sizeBytes);
    rest = rest.slice(sizeBytes);
    return given;
  };
}

const fixed = seededRandom("pericard vectors: keys and ids");

export const BLOCK = fixed(KEY_BLOCK_BYTES);
export const OTHER_BLOCK = fixed(KEY_BLOCK_BYTES);
export const BINDING: TerminalBinding = {
  suite: SUITE.pericard1,
  tenant: TenantId.fromBytes(fixed(16)),
  terminal: TerminalId.fromBytes(fixed(6)),
};
export const ROUTING = RoutingId.fromBytes(fixed(8));
export const RECORDING = RecordingId.fromBytes(fixed(16));
export const PREVIOUS_RECORDING = RecordingId.fromBytes(fixed(16));
export const ENVELOPE = EnvelopeId.fromBytes(fixed(16));
export const BOOT = BootId.fromBytes(fixed(8));
export const HASH = fixed(32);
export const OTHER_HASH = fixed(32);
export const DATA_KEY = fixed(32);
export const OTHER_KEY = fixed(32);

/** Place and key use of the segment that most cases seal. */
export const PLACE: SegmentPlace = { recording: RECORDING, stream: 2, sequence: 1000 };
export const USE: KeyUse = { cycle: 1, index: 117, use: 262_979 };

/** A key pair as raw bytes: `seed` is the private half. */
export interface RawPair {
  readonly seed: Uint8Array;
  readonly publicBytes: Uint8Array;
}

function pairOf(seed: Uint8Array, make: typeof ed25519Private): RawPair {
  return { seed, publicBytes: rawPublicKey(make(seed)) };
}

export const TERMINAL_SIGN = pairOf(fixed(32), ed25519Private);
export const TERMINAL_AGREE = pairOf(fixed(32), x25519Private);
export const SERVER_SIGN = pairOf(fixed(32), ed25519Private);
export const ROOT_SIGN = pairOf(fixed(32), ed25519Private);
export const SERVER_HPKE = pairOf(fixed(32), x25519Private);
export const SERVER_HPKE_ID = keyIdOf(SERVER_HPKE.publicBytes);
export const SERVER_SIGN_ID = keyIdOf(SERVER_SIGN.publicBytes);
export const ROOT_SIGN_ID = keyIdOf(ROOT_SIGN.publicBytes);

/** Of a factory on another machine than its server; drawn last, so that what is above stays as it was. */
export const FACTORY_SIGN = pairOf(fixed(32), ed25519Private);
export const INTAKE_AGREE = pairOf(fixed(32), x25519Private);
export const INTAKE = IntakeId.fromBytes(fixed(16));

/** K_label of the fixture's block at the fixture's cycle and index. */
export function groupKey(label: GroupKeyLabel, block: Uint8Array = BLOCK): Uint8Array {
  return deriveGroupKey(block, BINDING, label, USE.cycle, USE.index);
}
