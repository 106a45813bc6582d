/** Decoder of the segment codec `lead-residual`, for bytes from anywhere. Source: docs/codec-lead-residual.md. */
import { EcgError } from "../errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { SymbolReader } from "./entropy-decoder.ts";
import { DECODE_LIMITS, type DecodeLimits } from "./layout.ts";
import { readHeader, type LeadEntry, type LimbEntry, type WaveformEntry } from "./read-header.ts";
import { readLimb, readPaletteGaps, readWaveform } from "./residual-coding.ts";
import { paletteValues } from "./palette.ts";

/** Decodes one segment. Time and memory are bounded by `limits`, whatever the bytes say.
 * @param bytes a whole stream; not changed.
 * @returns the leads in the encoder's order, each a new array.
 * @throws {EcgError} ERR_CODEC_MALFORMED for bytes that no encoder writes, also when bytes follow the end;
 * ERR_CODEC_LIMIT when more would be needed than `limits` allow. Source: docs/codec-lead-residual.md. */
export function decodeLeadResidual(bytes: Uint8Array, limits: DecodeLimits = DECODE_LIMITS): Int32Array[] {
  const header = new ByteReader(bytes);
  const entries = readHeader(header, limits);
  if (entries.every((entry) => entry.length === 0)) {
    if (header.leftBytes > 0) throw new EcgError("ERR_CODEC_MALFORMED", "lead-residual stream has bytes after its end");
    return entries.map(() => new Int32Array(0));
  }
  const symbols = new SymbolReader(bytes, header.offsetBytes);
  const leads = decodeLeads(entries, symbols);
  symbols.assertEnd();
  return leads;
}

function decodeLeads(entries: readonly LeadEntry[], symbols: SymbolReader): Int32Array[] {
  const waveforms = decodeWaveforms(entries, symbols);
  return entries.map((entry, index) =>
    entry.kind === "waveform" ? (waveforms.get(index) ?? new Int32Array(0)) : decodeLimb(entry, waveforms, symbols),
  );
}

function isWaveform(entry: LeadEntry): entry is WaveformEntry {
  return entry.kind === "waveform";
}

/** Palettes come first in the bit stream, then the waveform leads; a lead's reference is the one before it, as coded. */
function decodeWaveforms(entries: readonly LeadEntry[], symbols: SymbolReader): Map<number, Int32Array> {
  const palettes = entries.map((entry) =>
    isWaveform(entry) && entry.palette !== undefined
      ? paletteValues(entry.palette.base, readPaletteGaps(symbols, entry.palette.gapCount))
      : undefined,
  );
  const decoded = new Map<number, Int32Array>();
  let previous: Int32Array = new Int32Array(0);
  for (const [index, entry] of entries.entries()) {
    if (!isWaveform(entry)) continue;
    const coded = readWaveform(symbols, entry, previous);
    const values = palettes[index];
    decoded.set(index, values === undefined ? coded : coded.map((rank) => valueOfRank(values, rank)));
    previous = coded;
  }
  return decoded;
}

function decodeLimb(entry: LimbEntry, waveforms: ReadonlyMap<number, Int32Array>, symbols: SymbolReader): Int32Array {
  const first = waveforms.get(entry.firstIndex);
  const second = waveforms.get(entry.secondIndex);
  if (first?.length !== entry.length || second?.length !== entry.length) {
    throw new EcgError("ERR_CODEC_MALFORMED", "lead-residual limb lead refers to leads that it cannot follow from");
  }
  return readLimb(symbols, entry.rule, first, second);
}

function valueOfRank(values: Int32Array, rank: number): number {
  const value = values[rank];
  if (value === undefined) throw new EcgError("ERR_CODEC_MALFORMED", "lead-residual rank is not in its palette");
  return value;
}
