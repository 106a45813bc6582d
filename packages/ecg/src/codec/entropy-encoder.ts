/** Entropy coding of the symbols: tables first, then one bit stream written from the last symbol to the first, so that the
 * decoder reads it backwards and gets the first symbol first. Source: docs/codec-lead-residual.md §5. */
import { BitWriter } from "./bit-writer.ts";
import { ByteWriter } from "./byte-writer.ts";
import { groupContexts, type ContextGroup } from "./context-groups.ts";
import { scaleCounts, writeCounts } from "./counts.ts";
import { packRawBits } from "./raw-bits.ts";
import { countCells, type Symbols } from "./symbols.ts";
import { fillEncodeTable, TABLE_LOG, TABLE_SIZE } from "./tans-table.ts";
import { CELL_COUNT, CELL_SHIFT, CONTEXT_COUNT, TOKEN_COUNT } from "./tokens.ts";

/** Encoder tables, indexed by cell where they depend on the symbol. */
interface EncodeTables {
  readonly transitions: Uint16Array;
  readonly bitDeltas: Int32Array;
  readonly stateDeltas: Int32Array;
}

/** Encodes all symbols. @returns the tables' bytes and the bit stream's, in stream order. */
export function encodeSymbols(symbols: Symbols): Uint8Array[] {
  const groups = groupContexts(countCells(symbols));
  const writer = new BitWriter();
  const starts = new Set(groups.map((group) => group.firstContext));
  for (let context = 1; context < CONTEXT_COUNT; context++) writer.write(starts.has(context) ? 1 : 0, 1);
  const tables = buildTables(groups, writer);
  const raw = packRawBits(symbols.wideValues, symbols.wideCount);
  const rawLength = new ByteWriter();
  rawLength.varint(raw.length);
  return [writer.finish(), rawLength.finish(), raw, encodePayload(symbols, tables)];
}

function buildTables(groups: readonly ContextGroup[], writer: BitWriter): EncodeTables {
  const transitions = new Uint16Array(groups.length << TABLE_LOG);
  const bitDeltas = new Int32Array(CELL_COUNT);
  const stateDeltas = new Int32Array(CELL_COUNT);
  for (const [index, group] of groups.entries()) {
    const scaled = scaleCounts(group.histogram);
    writeCounts(writer, scaled);
    const cellBase = group.firstContext << CELL_SHIFT;
    fillEncodeTable(scaled.counts, transitions, index << TABLE_LOG, bitDeltas, stateDeltas, cellBase);
    for (let context = group.firstContext + 1; context < group.endContext; context++) {
      bitDeltas.copyWithin(context << CELL_SHIFT, cellBase, cellBase + TOKEN_COUNT);
      stateDeltas.copyWithin(context << CELL_SHIFT, cellBase, cellBase + TOKEN_COUNT);
    }
  }
  return { transitions, bitDeltas, stateDeltas };
}

/** Two states take turns: symbols of even and odd position do not wait for each other. */
function encodePayload(symbols: Symbols, tables: EncodeTables): Uint8Array {
  const { cells, count } = symbols;
  const { transitions, bitDeltas, stateDeltas } = tables;
  const bytes = new Uint8Array(count + 16);
  const view = new DataView(bytes.buffer);
  let at = 0;
  let pending = 0;
  let pendingCount = 0;
  let even = TABLE_SIZE;
  let odd = even;
  if ((count & 1) === 1) {
    const cell = cells[count - 1] ?? 0;
    pendingCount = (even + (bitDeltas[cell] ?? 0)) >> 16;
    pending = even & ((1 << pendingCount) - 1);
    even = transitions[(even >> pendingCount) + (stateDeltas[cell] ?? 0)] ?? 0;
  }
  for (let i = (count & ~1) - 1; i > 0; i -= 2) {
    view.setInt32(at, pending, true);
    at += pendingCount >>> 3;
    pending >>>= pendingCount & 24;
    pendingCount &= 7;
    const oddCell = cells[i] ?? 0;
    const evenCell = cells[i - 1] ?? 0;
    const oddBits = (odd + (bitDeltas[oddCell] ?? 0)) >> 16;
    const evenBits = (even + (bitDeltas[evenCell] ?? 0)) >> 16;
    const oddHigh = odd >> oddBits;
    const evenHigh = even >> evenBits;
    const low = (odd ^ (oddHigh << oddBits)) | ((even ^ (evenHigh << evenBits)) << oddBits);
    pending |= low << pendingCount;
    pendingCount += oddBits + evenBits;
    odd = transitions[oddHigh + (stateDeltas[oddCell] ?? 0)] ?? 0;
    even = transitions[evenHigh + (stateDeltas[evenCell] ?? 0)] ?? 0;
  }
  view.setInt32(at, pending, true);
  return finishPayload(bytes, at * 8 + pendingCount, odd, even);
}

/** Appends both states, that of the first symbol last, and a 1 bit, which marks the end. */
function finishPayload(bytes: Uint8Array, bitCount: number, odd: number, even: number): Uint8Array {
  const tail = new BitWriter();
  tail.write((bytes[bitCount >>> 3] ?? 0) & ((1 << (bitCount & 7)) - 1), bitCount & 7);
  tail.write(odd - TABLE_SIZE, TABLE_LOG);
  tail.write(even - TABLE_SIZE, TABLE_LOG);
  tail.write(1, 1);
  const tailBytes = tail.finish();
  bytes.set(tailBytes, bitCount >>> 3);
  return bytes.subarray(0, (bitCount >>> 3) + tailBytes.length);
}
