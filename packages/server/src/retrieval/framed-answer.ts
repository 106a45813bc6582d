/**
 * Answers that carry many integers: a length, a JSON header, then Int32 little-endian values.
 *
 * Source: docs/format.md §9.4.
 */

/** One lead's place in the payload. */
interface LeadPlace {
  readonly index: number;
  readonly offsetBytes: number;
  readonly sampleCount: number;
}

/** The bytes of an answer: u32 length of the header, the header padded with spaces, the leads one after the other. */
export function encodeFramedAnswer(header: Record<string, unknown>, leads: readonly Int32Array[]): Uint8Array {
  let payloadBytes = 0;
  const places = leads.map((lead, index): LeadPlace => {
    const offsetBytes = payloadBytes;
    payloadBytes += lead.byteLength;
    return { index, offsetBytes, sampleCount: lead.length };
  });
  const text = JSON.stringify({ ...header, leads: places });
  const headerBytes = Math.ceil(Buffer.byteLength(text) / 4) * 4;
  const answer = new Uint8Array(4 + headerBytes + payloadBytes).fill(0x20, 4, 4 + headerBytes);
  new DataView(answer.buffer).setUint32(0, headerBytes, true);
  new TextEncoder().encodeInto(text, answer.subarray(4));
  const values = new Int32Array(answer.buffer, 4 + headerBytes);
  for (const [i, lead] of leads.entries()) values.set(lead, (places[i]?.offsetBytes ?? 0) / 4);
  return answer;
}
