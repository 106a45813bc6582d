/** A slow decoder of `lead-residual`, written from docs/codec-lead-residual.md alone and sharing no code with `src/codec`: bits are kept one by one
 * in arrays. The fast decoder is held to it. Throws plain errors: that a stream is refused is all that is compared. */

type Gaps = { base: number; count: number };
type Entry = {
  kind: number;
  length: number;
  gain: number;
  gaps: Gaps | undefined;
  seed: number;
  i: number;
  ii: number;
};
type Table = { token: number; bits: number; base: number }[];
type Next = (context: number) => number;

const WEIGHTS = [
  [0, 0, 0],
  [2, 0, 0],
  [3, -1, 0],
  [4, -2, 0],
  [5, -4, 1],
  [6, -6, 2],
];

/** Decodes a stream as docs/codec-lead-residual.md says. @throws {Error} when it is to be refused. */
export function referenceDecode(bytes: Uint8Array, sampleCountMax: number): number[][] {
  const source = { bytes, at: 0 };
  const entries = readEntries(source, sampleCountMax);
  if (entries.every((entry) => entry.length === 0)) {
    refuseIf(source.at !== bytes.length);
    return entries.map(() => []);
  }
  const { next, finish } = readSymbols(source);
  const leads = decodeLeads(entries, next);
  finish();
  return leads;
}

function readEntries(source: Source, sampleCountMax: number): Entry[] {
  refuseIf(readByte(source) !== 1);
  const leadCount = readByte(source);
  refuseIf(leadCount < 1 || leadCount > 64);
  const entries: Entry[] = [];
  for (let lead = 0; lead < leadCount; lead++) {
    const kind = readByte(source);
    refuseIf(kind >= 128 || (lead === 0 && (kind & 32) === 0));
    const length = kind & 32 ? readVarint(source) : (entries.at(-1)?.length ?? 0);
    const entry: Entry = { kind, length, gain: 0, gaps: undefined, seed: 0, i: 0, ii: 0 };
    refuseIf(entries.reduce((sum, other) => sum + other.length, length) > sampleCountMax);
    if (kind & 64) {
      refuseIf((kind & 7) > 3 || (kind & 24) !== 0);
      entry.i = readByte(source);
      entry.ii = readByte(source);
    } else {
      refuseIf((kind & 7) > 5);
      if (kind & 8) entry.gain = Int8Array.of(readByte(source))[0] ?? 0;
      if (kind & 16) entry.gaps = { base: unzigzag(readVarint(source)), count: readVarint(source) };
      if (entry.gaps !== undefined) refuseIf(entry.gaps.count >= length || entry.gaps.count >= 65536);
      if (length > 0) entry.seed = unzigzag(readVarint(source));
    }
    entries.push(entry);
  }
  return entries;
}

function decodeLeads(entries: Entry[], next: Next): number[][] {
  const palettes = entries.map((entry) => entry.gaps && decodePalette(entry.gaps, next));
  const coded: number[][] = [];
  let reference: number[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry.kind & 64) continue;
    refuseIf(entry.gain !== 0 && reference.length !== entry.length);
    reference = decodeWaveform(entry, reference, next);
    coded[index] = reference;
  }
  const samples = entries.map((_, index) => {
    const palette = palettes[index];
    return palette ? coded[index]?.map((rank) => palette[rank] ?? refuse()) : coded[index];
  });
  for (const [index, entry] of entries.entries()) {
    if (entry.kind & 64) samples[index] = decodeLimb(entry, entries, samples, next);
  }
  return samples.map((lead) => lead ?? refuse());
}

function decodePalette(gaps: Gaps, next: Next): number[] {
  const values = [gaps.base];
  const seen = [0, 0];
  for (let k = 0; k < gaps.count; k++) {
    const gap = next(seen.at(-1) === seen.at(-2) ? 25 : 26);
    seen.push(gap);
    values.push(wrap((values.at(-1) ?? 0) + gap + 1));
  }
  return values;
}

function decodeWaveform(entry: Entry, p: number[], next: Next): number[] {
  const weights = WEIGHTS[entry.kind & 7] ?? refuse();
  const referenceAt = (k: number): number => (entry.gain === 0 ? 0 : (p[k] ?? 0));
  const z: number[] = [];
  for (let k = 0; k < 3; k++) z.push(wrap(16n * BigInt(entry.seed) - BigInt(entry.gain) * BigInt(referenceAt(0))));
  const x: number[] = [];
  const r = [0, 0, 0];
  for (let k = 0; k < entry.length; k++) {
    const own = weights.reduce((sum, w, j) => sum + BigInt(w) * BigInt(z[k + 2 - j] ?? 0), 0n);
    const prediction = wrap(own + 2n * BigInt(entry.gain) * BigInt(referenceAt(k)) + 16n) >> 5;
    const [r3 = 0, r2 = 0, r1 = 0] = r.slice(-3);
    const m = wrap(2 * Math.abs(r1) + Math.abs(r2) + Math.abs(r3));
    const n = ((m >> 1) & 0x3fffffff) + 2;
    const t = Math.floor(Math.log2(n));
    const context = Math.min(15, 2 * t - 2 + (Math.floor(n / 2 ** (t - 1)) % 2));
    const value = unzigzag(next(context));
    const residual = wrap(r1 < 0 ? -value : value);
    r.push(residual);
    x.push(wrap(prediction + residual));
    z.push(wrap(16n * BigInt(x[k] ?? 0) - BigInt(entry.gain) * BigInt(referenceAt(k))));
  }
  return x;
}

function decodeLimb(entry: Entry, entries: Entry[], samples: (number[] | undefined)[], next: Next): number[] {
  for (const index of [entry.i, entry.ii]) {
    refuseIf(
      entries[index] === undefined || (entries[index].kind & 64) !== 0 || entries[index].length !== entry.length,
    );
  }
  const lead: number[] = [];
  let previous = 0;
  for (let k = 0; k < entry.length; k++) {
    const a = samples[entry.i]?.[k] ?? 0;
    const b = samples[entry.ii]?.[k] ?? 0;
    const halved = [0, wrap(a + b), b, a][entry.kind & 7] ?? 0;
    const expected = [b - a, -(halved >> 1), a - (halved >> 1), b - (halved >> 1)][entry.kind & 7] ?? 0;
    const roundingClass = (entry.kind & 7) === 0 ? 2 : halved & 1;
    previous = unzigzag(next(17 + 3 * roundingClass + Math.sign(previous)));
    lead.push(wrap(expected + previous));
  }
  return lead;
}

function readSymbols(source: Source): { next: Next; finish: () => void } {
  const header = bitsOf(source.bytes.subarray(source.at));
  let headerAt = 0;
  const read = (count: number): number => {
    refuseIf(headerAt + count > header.length);
    headerAt += count;
    return numberOf(header.slice(headerAt - count, headerAt));
  };
  const starts = Array.from({ length: 26 }, () => read(1));
  const tables: Table[] = [readTable(read)];
  const tableOf = [0];
  for (const start of starts) {
    if (start === 1) tables.push(readTable(read));
    tableOf.push(tables.length - 1);
  }
  refuseIf(read((8 - (headerAt % 8)) % 8) !== 0);
  source.at += headerAt / 8;
  const rawLength = readVarint(source);
  refuseIf(source.at + rawLength > source.bytes.length);
  const raw = bitsOf(source.bytes.subarray(source.at, source.at + rawLength));
  return symbolReader(tables, tableOf, raw, bitsOf(source.bytes.subarray(source.at + rawLength)));
}

function symbolReader(
  tables: Table[],
  tableOf: number[],
  raw: number[],
  coded: number[],
): { next: Next; finish: () => void } {
  let end = coded.lastIndexOf(1);
  refuseIf(end < coded.length - 8 || end < 0);
  const take = (count: number): number => {
    end -= count;
    refuseIf(end < 0);
    return numberOf(coded.slice(end, end + count));
  };
  const states = [take(8), take(8)];
  let position = 0;
  let rawAt = 0;
  const next = (context: number): number => {
    const state = states[position % 2] ?? 0;
    const { token, bits, base } = tables[tableOf[context] ?? 0]?.[state] ?? refuse();
    states[position++ % 2] = base + take(bits);
    if (token < 16) return token;
    const count = Math.floor((token - 8) / 2) - 1;
    refuseIf(rawAt + count > raw.length);
    rawAt += count;
    return wrap((2 + (token % 2)) * 2 ** count + numberOf(raw.slice(rawAt - count, rawAt)));
  };
  const finish = (): void => {
    refuseIf(end !== 0 || states[0] !== 0 || states[1] !== 0);
    refuseIf(raw.length - rawAt >= 8 || raw.slice(rawAt).includes(1));
  };
  return { next, finish };
}

function readTable(read: (count: number) => number): Table {
  const last = read(7);
  const commonest = read(7);
  refuseIf(last > 71 || commonest > last);
  const counts: number[] = [];
  let level = 0;
  for (let token = 0; token <= last; token++) {
    if (token === commonest) continue;
    let unary = 0;
    while (read(1) === 1) refuseIf(++unary > 64);
    level += unzigzag(2 * unary + read(1));
    refuseIf(level < 0 || level > 28);
    counts[token] = level < 8 ? level : (4 + (level % 4)) * 2 ** (Math.floor(level / 4) - 1);
  }
  counts[commonest] = 256 - counts.reduce((sum, count) => sum + count, 0);
  refuseIf((counts[commonest] ?? 0) < 1 || counts[last] === 0);
  return spread(counts);
}

function spread(counts: number[]): Table {
  const tokens: number[] = [];
  let position = 0;
  for (const [token, count] of counts.entries()) {
    for (let k = 0; k < count; k++) {
      tokens[position] = token;
      position = (position + 163) % 256;
    }
  }
  const used = counts.map(() => 0);
  return tokens.map((token) => {
    const x = (counts[token] ?? 0) + (used[token] ?? 0);
    used[token] = (used[token] ?? 0) + 1;
    const bits = 8 - Math.floor(Math.log2(x));
    return { token, bits, base: x * 2 ** bits - 256 };
  });
}

type Source = { bytes: Uint8Array; at: number };

function readByte(source: Source): number {
  return source.bytes[source.at++] ?? refuse();
}

function readVarint(source: Source): number {
  const bytes: number[] = [];
  do {
    bytes.push(readByte(source));
  } while ((bytes.at(-1) ?? 0) >= 128 && bytes.length < 5);
  const last = bytes.at(-1) ?? 0;
  refuseIf(last >= 128 || (bytes.length > 1 && last === 0));
  const value = bytes.reduce((sum, byte, k) => sum + (byte % 128) * 128 ** k, 0);
  refuseIf(value >= 2 ** 32);
  return value;
}

function bitsOf(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1));
}

function numberOf(bits: number[]): number {
  return bits.reduce((sum, bit, k) => sum + bit * 2 ** k, 0);
}

function unzigzag(value: number): number {
  const unsigned = BigInt(value) & 0xffffffffn;
  return wrap(unsigned % 2n === 0n ? unsigned / 2n : -(unsigned + 1n) / 2n);
}

function wrap(value: number | bigint): number {
  return Number(BigInt.asIntN(32, BigInt(value)));
}

function refuseIf(condition: boolean): void {
  if (condition) refuse();
}

function refuse(): never {
  throw new Error("refused");
}
