/** Facts of each sample format as a table, with its unpacker and packer. Source: WFDB signal(5). */

/** Sample formats that are read and written. 32 is here because the writer needs it for values beyond 16 bits. */
export type SignalFormatName = "16" | "32" | "212";

/** One way of storing samples in a signal file. Little-endian two's complement throughout. */
export interface SignalFormat {
  readonly digitalMin: number;
  readonly digitalMax: number;
  /** Code that stands for "no sample". */
  readonly missingCode: number;
  /** Resolution that header(5) assumes when a line states none. */
  readonly defaultResolutionBits: number;
  /** Samples come in groups of this many that share whole bytes. */
  readonly samplesPerGroup: number;
  readonly bytesPerGroup: number;
  /** Bytes that hold `sampleCount` samples, the last group possibly incomplete. */
  readonly sizeBytes: (sampleCount: number) => number;
  /** Whole samples in `sizeBytes` bytes. */
  readonly sampleCount: (sizeBytes: number) => number;
  /** Reads `digital.length` samples from bytes that start at a group; the bytes must hold them. */
  readonly unpack: (bytes: Uint8Array, digital: Int32Array) => void;
  /** Writes all samples, each within digitalMin..digitalMax, to bytes of `sizeBytes(digital.length)`. */
  readonly pack: (digital: Int32Array, bytes: Uint8Array) => void;
}

/** The table, by the name that stands in a signal line. */
export const SIGNAL_FORMATS: Readonly<Record<SignalFormatName, SignalFormat>> = {
  "16": wholeBytes(2, unpack16, pack16),
  "32": wholeBytes(4, unpack32, pack32),
  "212": {
    digitalMin: -2048,
    digitalMax: 2047,
    missingCode: -2048,
    defaultResolutionBits: 12,
    samplesPerGroup: 2,
    bytesPerGroup: 3,
    sizeBytes: (sampleCount) => Math.ceil((sampleCount * 3) / 2),
    sampleCount: (sizeBytes) => Math.floor((sizeBytes * 2) / 3),
    unpack: unpack212,
    pack: pack212,
  },
};

/** Looks a format up by the text in a signal line; undefined for every other format of the field. */
export function findSignalFormatName(text: string): SignalFormatName | undefined {
  return text === "16" || text === "32" || text === "212" ? text : undefined;
}

function wholeBytes(bytesPerSample: number, unpack: SignalFormat["unpack"], pack: SignalFormat["pack"]): SignalFormat {
  const half = 2 ** (8 * bytesPerSample - 1);
  return {
    digitalMin: -half,
    digitalMax: half - 1,
    missingCode: -half,
    defaultResolutionBits: 8 * bytesPerSample,
    samplesPerGroup: 1,
    bytesPerGroup: bytesPerSample,
    sizeBytes: (sampleCount) => sampleCount * bytesPerSample,
    sampleCount: (sizeBytes) => Math.floor(sizeBytes / bytesPerSample),
    unpack,
    pack,
  };
}

function unpack16(bytes: Uint8Array, digital: Int32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < digital.length; i++) digital[i] = view.getInt16(2 * i, true);
}

function pack16(digital: Int32Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < digital.length; i++) view.setInt16(2 * i, digital[i] ?? 0, true);
}

function unpack32(bytes: Uint8Array, digital: Int32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < digital.length; i++) digital[i] = view.getInt32(4 * i, true);
}

function pack32(digital: Int32Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < digital.length; i++) view.setInt32(4 * i, digital[i] ?? 0, true);
}

/** Two 12-bit samples in three bytes: low byte of the first, both high nibbles (second's on top), low byte of the second. */
function unpack212(bytes: Uint8Array, digital: Int32Array): void {
  for (let i = 0, at = 0; i < digital.length; i += 2, at += 3) {
    const nibbles = bytes[at + 1] ?? 0;
    digital[i] = ((((nibbles & 0x0f) << 8) | (bytes[at] ?? 0)) << 20) >> 20;
    if (i + 1 < digital.length) digital[i + 1] = ((((nibbles & 0xf0) << 4) | (bytes[at + 2] ?? 0)) << 20) >> 20;
  }
}

function pack212(digital: Int32Array, bytes: Uint8Array): void {
  for (let i = 0, at = 0; i < digital.length; i += 2, at += 3) {
    const first = digital[i] ?? 0;
    const second = digital[i + 1] ?? 0;
    bytes[at] = first;
    bytes[at + 1] = ((first >> 8) & 0x0f) | ((second >> 4) & 0xf0);
    if (i + 1 < digital.length) bytes[at + 2] = second;
  }
}
