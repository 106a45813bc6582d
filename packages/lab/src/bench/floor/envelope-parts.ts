/** Where the parts of an envelope lie. The raw slices have their CBOR heads, so that they can be put into what is signed. */
import { WireReader } from "./wire.ts";

export interface EnvelopeParts {
  /** Routing id, 8 bytes, as latin1 text. */
  readonly routing: string;
  readonly rawSignedHeader: Buffer;
  readonly rawPayload: Buffer;
  readonly signature: Buffer;
  readonly rawHeader: Buffer;
  readonly ciphertext: Buffer;
  readonly rawRecipientHeader: Buffer;
  readonly encapsulatedKey: Buffer;
  readonly wrappedKey: Buffer;
}

/** Finds the routing id in the signed header: a map of three, the second of which is it. */
function routingIn(rawSignedHeader: Buffer): string {
  const reader = new WireReader(new WireReader(rawSignedHeader).byteString());
  reader.head();
  reader.skip(3);
  return reader.byteString().toString("latin1");
}

/** Source: docs/format.md §3.3, §6. */
export function findEnvelopeParts(body: Buffer): EnvelopeParts {
  const outer = new WireReader(body, 2);
  const rawSignedHeader = outer.skip(1);
  outer.skip(1);
  const rawPayload = outer.skip(1);
  const signature = outer.byteString();
  const inner = new WireReader(new WireReader(rawPayload).byteString(), 3);
  const rawHeader = inner.skip(1);
  inner.skip(1);
  const ciphertext = inner.byteString();
  inner.at += 2;
  const rawRecipientHeader = inner.skip(1);
  inner.at += 2;
  const encapsulatedKey = inner.byteString();
  const wrappedKey = inner.byteString();
  const routing = routingIn(rawSignedHeader);
  return {
    routing,
    rawSignedHeader,
    rawPayload,
    signature,
    rawHeader,
    ciphertext,
    rawRecipientHeader,
    encapsulatedKey,
    wrappedKey,
  };
}

export interface SegmentParts {
  readonly rawHeader: Buffer;
  readonly ciphertext: Buffer;
  readonly recording: Buffer;
  /** Recording, stream and sequence with their heads. */
  readonly rawPlace: Buffer;
  readonly sequence: number;
  readonly rawUse: Buffer;
  readonly salt: Buffer;
}

/** Source: docs/format.md §5.1. */
export function findSegmentParts(sealed: Buffer): SegmentParts {
  const outer = new WireReader(sealed, 2);
  const rawHeader = outer.skip(1);
  outer.skip(1);
  const ciphertext = outer.byteString();
  const reader = new WireReader(new WireReader(rawHeader).byteString(), 1);
  reader.skip(5);
  reader.head();
  reader.skip(3);
  const placeBegins = reader.at;
  const recording = reader.byteString();
  reader.skip(1);
  const sequence = reader.head();
  const rawPlace = reader.bytes.subarray(placeBegins, reader.at);
  reader.skip(2);
  const rawUse = reader.skip(1);
  reader.skip(1);
  const salt = reader.byteString();
  return { rawHeader, ciphertext, recording, rawPlace, sequence, rawUse, salt };
}

/** The encoded samples in a segment's plaintext: its last item. */
export function findEncoded(plain: Buffer): Buffer {
  const reader = new WireReader(plain, 1);
  reader.skip(3);
  return reader.byteString();
}
