/** The thread that opens packages and decodes samples for reads and for summaries. */
import { openBlob, openPackage, sealBlob, systemRandom, verifyDigest } from "@pericard/crypto";
import { getSegmentCodec } from "@pericard/ecg";
import {
  BODY_KIND,
  decodeSegmentBody,
  parsePackage,
  RecordingId,
  releaseBytes,
  sampleCountOf,
  type SegmentBody,
  type WaveformDescriptor,
} from "@pericard/protocol";
import { ServerError } from "../errors.ts";
import { handOver, serveThread } from "../threads/serve.ts";
import { noteYoungBytes } from "../threads/young-buffers.ts";
import { examineObservations, readObservations, type ReadObservations } from "./decode-observations.ts";
import { decodeSummary, emptySummary, encodeSummary, isSuspect, summarise, type Summary } from "./summary.ts";

/** What decoding leaves behind, samples included. */
const DECODING_BYTES_PER_SAMPLE = 12;

/** A decoded segment. `leads[i]` holds frameCount × samplesPerFrame digital values. */
export interface DecodedSegment {
  readonly firstFrame: number;
  readonly frameCount: number;
  readonly leads: readonly Int32Array[];
}

/** A segment's summary, and as it is stored. */
export interface SealedSummary {
  readonly sequence: number;
  readonly sealed: Uint8Array;
  readonly suspect: boolean;
  readonly summary: Summary;
}

function bodyOf(data: Uint8Array | undefined): SegmentBody {
  if (!data) throw new ServerError("ERR_DATA_UNREADABLE", "package does not have this item");
  const body = decodeSegmentBody(data);
  verifyDigest(body);
  return body;
}

/** What a segment of samples says of itself. */
function waveformOf({ descriptor }: SegmentBody): WaveformDescriptor {
  if (descriptor.kind === BODY_KIND.waveform) return descriptor;
  throw new ServerError("ERR_DATA_UNREADABLE", "segment holds observations, not samples");
}

function samplesOf(body: SegmentBody): readonly Int32Array[] {
  const descriptor = waveformOf(body);
  const { shape, frameCount } = descriptor;
  const limits = { leadCountMax: shape.leads.length, sampleCountMax: sampleCountOf(descriptor) };
  const leads = getSegmentCodec(body.codec).decode(body.encoded, limits);
  noteYoungBytes(DECODING_BYTES_PER_SAMPLE * limits.sampleCountMax);
  const fits = shape.leads.every((lead, i) => leads[i]?.length === frameCount * lead.samplesPerFrame);
  if (!fits || leads.length !== shape.leads.length) {
    throw new ServerError("ERR_DATA_UNREADABLE", "samples do not have the declared count");
  }
  return leads;
}

function decodeBody(body: SegmentBody) {
  const { firstFrame, frameCount } = body.descriptor;
  return { firstFrame, frameCount, leads: samplesOf(body).map(alone) };
}

/** A lead in memory of its own, which can be handed over. */
function alone(lead: Int32Array): Int32Array<ArrayBuffer> {
  const { buffer } = lead;
  const isAlone = buffer instanceof ArrayBuffer && lead.byteLength === buffer.byteLength;
  return isAlone ? new Int32Array(buffer) : lead.slice();
}

/** Opens a package for `use`, which gives nothing on that lies in it: its memory is given back at once. */
function withPackage<T>(bytes: Uint8Array, dataKey: Uint8Array, use: (data: readonly Uint8Array[]) => T): T {
  const { body, data } = openPackage(dataKey, parsePackage(bytes));
  releaseBytes(bytes);
  try {
    return use(data);
  } finally {
    releaseBytes(body);
  }
}

/** Segments of one package, by their items' numbers. The package is opened once. */
function decode(packageBytes: Uint8Array, dataKey: Uint8Array, items: readonly number[]): readonly DecodedSegment[] {
  const segments = withPackage(packageBytes, dataKey, (data) => items.map((item) => decodeBody(bodyOf(data[item]))));
  return handOver(
    segments,
    segments.flatMap(({ leads }) => leads.map((lead) => lead.buffer)),
  );
}

/** Data_i of segments of one package, by their items' numbers, each compared with its digest. The package is opened once. */
function bodies(packageBytes: Uint8Array, dataKey: Uint8Array, items: readonly number[]): readonly Uint8Array[] {
  const copies = withPackage(packageBytes, dataKey, (data) =>
    items.map((item) => {
      bodyOf(data[item]);
      return new Uint8Array(data[item] as Uint8Array);
    }),
  );
  return handOver(
    copies,
    copies.map(({ buffer }) => buffer),
  );
}

/** A stream of a recording, and the key of both. */
export interface KeyedStream {
  readonly recording: RecordingId;
  readonly stream: number;
  readonly dataKey: Uint8Array;
}

const summaryContext = ({ recording, stream }: KeyedStream, sequence: number) =>
  ["summary", RecordingId.toBytes(recording), stream, sequence] as const;

/** A segment to summarise, by its item's number in its package. */
export interface ItemPlace {
  readonly item: number;
  readonly sequence: number;
}

function summariseOne(data: Uint8Array, of: KeyedStream, sequence: number): SealedSummary {
  const body = decodeSegmentBody(data);
  const { summary, suspect } = body.descriptor.kind === BODY_KIND.waveform ? digest(body) : examineObservations(body);
  const sealed = sealBlob(of.dataKey, summaryContext(of, sequence), encodeSummary(summary), systemRandom);
  return { sequence, sealed, suspect, summary };
}

function digest(body: SegmentBody): Pick<SealedSummary, "summary" | "suspect"> {
  const { shape, frameCount } = waveformOf(body);
  const samples = findSamples(body);
  const summary = samples ? summarise(shape, frameCount, samples) : emptySummary(shape.leads.length);
  return { summary, suspect: !samples || isSuspect(shape, summary) };
}

/** The summary of a segment by its Data_i. */
function summariseBody(data: Uint8Array, of: KeyedStream, sequence: number): SealedSummary {
  const made = summariseOne(data, of, sequence);
  releaseBytes(data);
  return made;
}

/** Samples, or undefined when the terminal sealed bytes that its codec did not make: the segment is kept as suspect. */
function findSamples(body: SegmentBody): readonly Int32Array[] | undefined {
  try {
    return samplesOf(body);
  } catch {
    return undefined;
  }
}

/** Summaries of segments of one package. The package is opened once. */
function summarisePackage(
  packageBytes: Uint8Array,
  of: KeyedStream,
  places: readonly ItemPlace[],
): readonly SealedSummary[] {
  return withPackage(packageBytes, of.dataKey, (data) =>
    places.map(({ item, sequence }) => {
      const one = data[item];
      if (!one) throw new ServerError("ERR_DATA_UNREADABLE", "package does not have this item");
      return summariseOne(one, of, sequence);
    }),
  );
}

/** Stored summaries; null for one that does not open, which is made again. */
function openSummaries(
  rows: readonly { readonly sequence: number; readonly sealed: Uint8Array }[],
  of: KeyedStream,
  leadCount: number,
): readonly (Summary | null)[] {
  return rows.map(({ sequence, sealed }) => {
    try {
      return decodeSummary(openBlob(of.dataKey, summaryContext(of, sequence), sealed), leadCount);
    } catch {
      return null;
    }
  });
}

/** Observations of segments of one package, by their items' numbers. The package is opened once. */
function openObservations(
  packageBytes: Uint8Array,
  dataKey: Uint8Array,
  items: readonly number[],
): readonly ReadObservations[] {
  return withPackage(packageBytes, dataKey, (data) => items.map((item) => readObservations(bodyOf(data[item]))));
}

const methods = { decode, bodies, openObservations, summariseBody, summarisePackage, openSummaries };
export type DecodeMethods = typeof methods;
serveThread(methods);
