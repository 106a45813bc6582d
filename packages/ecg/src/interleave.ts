/** Between frame order (as files and devices have it) and one array per lead. */

/** Splits interleaved frames into leads. @param digital whole frames. @param samplesPerFrame of each lead, in frame order.
 * @returns new arrays; a trailing part of a frame is ignored. */
export function deinterleave(digital: Int32Array, samplesPerFrame: readonly number[]): Int32Array[] {
  const stride = samplesPerFrame.reduce((sum, count) => sum + count, 0);
  const frameCount = Math.floor(digital.length / stride);
  let start = 0;
  return samplesPerFrame.map((count) => {
    const lead = new Int32Array(frameCount * count);
    gather(digital, start, stride, count, lead);
    start += count;
    return lead;
  });
}

/** Joins leads into frames: the inverse of `deinterleave`. @param leads each of frameCount * samplesPerFrame samples. */
export function interleave(leads: readonly Int32Array[], samplesPerFrame: readonly number[]): Int32Array {
  const stride = samplesPerFrame.reduce((sum, count) => sum + count, 0);
  const digital = new Int32Array(leads.reduce((sum, lead) => sum + lead.length, 0));
  let start = 0;
  for (const [index, lead] of leads.entries()) {
    const count = samplesPerFrame[index] ?? 1;
    scatter(lead, count, stride, start, digital);
    start += count;
  }
  return digital;
}

function gather(digital: Int32Array, start: number, stride: number, count: number, lead: Int32Array): void {
  for (let i = 0, at = start; i < lead.length; i += count, at += stride) {
    for (let k = 0; k < count; k++) lead[i + k] = digital[at + k] ?? 0;
  }
}

function scatter(lead: Int32Array, count: number, stride: number, start: number, digital: Int32Array): void {
  for (let i = 0, at = start; i < lead.length; i += count, at += stride) {
    for (let k = 0; k < count; k++) digital[at + k] = lead[i + k] ?? 0;
  }
}
