/** Messages as terminals make them, and mail as the server signs it. Tests may seal and sign; the package cannot. */
import { BootId, FetchBack, Gap, RecordingId, RoutingId, Status, type SignedType } from "@pericard/protocol";
import { ed25519Private, keyIdOf, rawPublicKey, sealEnvelope, signMessage, x25519Private } from "@pericard/crypto";

/** The same bytes for the same text and number, so that every test sees the same messages. */
function bytesOf(text: string, sizeBytes: number): Uint8Array {
  const seed = [...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7);
  return Uint8Array.from({ length: sizeBytes }, (_, i) => ((seed >>> (i % 24)) + i * 17) & 0xff);
}

const SIGN_KEY = ed25519Private(bytesOf("sign", 32));
const HPKE_PRIVATE = x25519Private(bytesOf("hpke", 32));
const HPKE_PUBLIC_BYTES = rawPublicKey(HPKE_PRIVATE);

let drawn = 0;
const random = (sizeBytes: number): Uint8Array => bytesOf(`random ${(drawn += 1)}`, sizeBytes);

const ENVELOPE_KEYS = {
  hpkeKey: keyIdOf(HPKE_PUBLIC_BYTES),
  hpkePublic: HPKE_PRIVATE,
  transportKey: bytesOf("transport", 32),
  cycle: 0,
  index: 3,
};

/** The routing id of the terminal of that number. */
export function routingOf(terminal: number): RoutingId {
  return RoutingId.parse(terminal.toString(16).padStart(16, "0"));
}

function sign(type: SignedType, terminal: number, payload: Uint8Array): Uint8Array {
  return signMessage(SIGN_KEY, type, RoutingId.toBytes(routingOf(terminal)), payload);
}

/** A signed envelope of one segment of that many bytes, different each time. */
export function makeEnvelope(terminal: number, segmentBytes = 200): Uint8Array {
  const { bytes } = sealEnvelope(ENVELOPE_KEYS, routingOf(terminal), [new Uint8Array(segmentBytes)], random);
  return sign("pericard/envelope", terminal, bytes);
}

/** An envelope that names one routing id and is signed under another. */
export function makeMisroutedEnvelope(): Uint8Array {
  const { bytes } = sealEnvelope(ENVELOPE_KEYS, routingOf(1), [new Uint8Array(10)], random);
  return sign("pericard/envelope", 2, bytes);
}

/** A signed gap. */
export function makeGap(terminal: number, sequence: number): Uint8Array {
  const payload = Gap.encode({
    routing: routingOf(terminal),
    recording: RecordingId.fromBytes(bytesOf("recording", 16)),
    stream: 0,
    sequence,
    cause: "unreadable",
    bootId: BootId.fromBytes(bytesOf("boot", 8)),
    monotonicMs: 1000,
  });
  return sign("pericard/gap", terminal, payload);
}

/** A signed poll. */
export function makeStatus(terminal: number, contact = 1): Uint8Array {
  const payload = Status.encode({
    routing: routingOf(terminal),
    contact,
    bootId: BootId.fromBytes(bytesOf("boot", 8)),
    monotonicMs: 1000,
    clockUnixMs: null,
    mailSeen: 0,
    journalItemCount: 0,
    journalBytes: 0,
    journalLimitBytes: 1,
    quarantineCount: 0,
    policyVersion: 0,
    segmentLengthMs: 10_000,
    cycle: 0,
    index: 0,
    use: 0,
    heads: [],
  });
  return sign("pericard/status", terminal, payload);
}

/** A request for streams of its own. */
export function makeFetchBack(terminal: number, contact = 1): Uint8Array {
  const payload = FetchBack.encode({ routing: routingOf(terminal), contact, cycle: 0, index: 0, asked: null });
  return sign("pericard/fetch-back", terminal, payload);
}

/** A message that only a server signs. */
export function makeReceipt(): Uint8Array {
  return sign("pericard/receipt", 1, new Uint8Array(10));
}

/** Mail: nobody on the way looks into it. */
export function makeMail(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
