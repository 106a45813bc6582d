/** Observations of a patient, newest first, a page at a time. Source: docs/format.md §5.6. */
import {
  BODY_KIND,
  decimalText,
  findMeasurement,
  isImplausible,
  RecordingId,
  type Observation,
  type ObservationComponent,
} from "@pericard/protocol";
import type { Catalog, RecordingRow, SegmentPlacement, StreamRow } from "../catalog/catalog.ts";
import { ServerError } from "../errors.ts";
import type { ReadObservations } from "./decode-observations.ts";
import type { SegmentReader } from "./segment-reader.ts";

/** Observations of one page, at most and unless asked otherwise. */
export const OBSERVATIONS_PER_PAGE = { max: 1000, standard: 100 } as const;

/** Which observations are meant. */
export interface ObservationQuery {
  /** One of these, in at least one component; all when there are none. */
  readonly codes: readonly string[];
  /** Measured at or after, and before, in milliseconds since 1970; what has no time is in no stretch. */
  readonly fromUnixMs: number | undefined;
  readonly toUnixMs: number | undefined;
  /** 1 to 1000. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after: string | undefined;
}

/** How the time of an observation is known: from its device, or from when it came to the terminal, as docs/format.md §5.3 says. */
export type TimeCertainty = "device" | "measured" | "claimed" | "unknown";

interface DescribedComponent {
  readonly code: string;
  /** What the code means; null when it is not a known one. */
  readonly name: string | null;
  /** UCUM, as the device gave it. */
  readonly unit: string;
  /** Decimal, with the digits that the device gave. */
  readonly value: string;
  /** Whether no body can have the value. */
  readonly suspect: boolean;
}

export interface DescribedObservation {
  /** The same at every reading. */
  readonly id: string;
  readonly recordingId: string;
  readonly stream: number;
  readonly terminalSerial: string;
  readonly device: string | null;
  readonly time: { readonly unixMs: number | null; readonly certainty: TimeCertainty };
  /** When it came to the terminal, as far as that is known. */
  readonly arrivedAtUnixMs: number | null;
  readonly components: DescribedComponent[];
}

export interface ObservationPage {
  readonly observations: DescribedObservation[];
  /** For the next page; null at the end. */
  readonly next: string | null;
  /** Segments on this page whose contents are no observations. */
  readonly unreadableSegments: number;
}

export interface ObservationParts {
  readonly catalog: Pick<Catalog, "findSegments" | "findBootOffset">;
  readonly reader: SegmentReader;
}

/** Segments that are opened for one page: rare codes give short pages, never slow ones. */
const SEGMENTS_PER_PAGE = 256;
/** Segments that are read at once, and observations whose segments are looked for at once. */
const SEGMENTS_PER_READ = 32;
const STEP = 2048;

/** Where reading goes on: before observation `before` of the stream. */
interface Cursor {
  readonly recording: RecordingId;
  readonly stream: number;
  readonly before: number;
}

/** Text of a place, as `next` of a page. */
export const cursorText = ({ recording, stream, before }: Cursor): string => `${recording}.${stream}.${before}`;

/** @throws {ServerError} ERR_REQUEST_RANGE when the text is no page's `next`. */
function parseCursor(text: string): Cursor {
  const match = /^([0-9a-f]{32})\.(\d{1,3})\.(\d{1,16})$/.exec(text);
  if (!match) throw new ServerError("ERR_REQUEST_RANGE", "after is not what a page gave as next");
  return { recording: RecordingId.parse(match[1] as string), stream: Number(match[2]), before: Number(match[3]) };
}

/** One stream of observations, and up to which of them it is to be read. */
interface StreamToRead {
  readonly row: RecordingRow;
  readonly stream: StreamRow;
  readonly before: number;
}

/** Streams of observations in the order in which they are read: newest recording first. */
export function streamsToRead(
  rows: readonly RecordingRow[],
  query: Pick<ObservationQuery, "after" | "fromUnixMs">,
): readonly StreamToRead[] {
  const all = rows.flatMap((row) =>
    row.streams
      .filter(({ kind }) => kind === BODY_KIND.observation)
      .map((stream) => ({ row, stream, before: stream.endFrame })),
  );
  const from = query.after === undefined ? 0 : placeOf(all, parseCursor(query.after));
  const { before } = query.after === undefined ? { before: undefined } : parseCursor(query.after);
  return all
    .slice(from)
    .map((one, i) => (i === 0 && before !== undefined ? { ...one, before: Math.min(before, one.before) } : one))
    .filter(({ stream }) => query.fromUnixMs === undefined || stream.lastReceivedUnixMs >= query.fromUnixMs);
}

function placeOf(all: readonly StreamToRead[], { recording, stream }: Cursor): number {
  const place = all.findIndex((one) => one.row.id === recording && one.stream.stream === stream);
  if (place >= 0) return place;
  throw new ServerError("ERR_REQUEST_RANGE", "after names a stream that is not there");
}

/** Segments of a stream before an observation, newest first, some at a time. */
async function* segmentsBefore(
  catalog: Pick<Catalog, "findSegments">,
  { row, stream, before }: StreamToRead,
): AsyncGenerator<readonly SegmentPlacement[]> {
  for (let end = before; end > 0;) {
    const from = Math.max(0, end - STEP);
    const found = (await catalog.findSegments(row.key, stream.stream, from, end, STEP)).toReversed();
    for (let at = 0; at < found.length; at += SEGMENTS_PER_READ) yield found.slice(at, at + SEGMENTS_PER_READ);
    end = Math.min(from, found.at(-1)?.firstFrame ?? from);
  }
}

function describeComponent(component: ObservationComponent): DescribedComponent {
  const { code, unit, value } = component;
  const name = findMeasurement(code)?.name ?? null;
  return { code, name, unit, value: decimalText(value), suspect: isImplausible(component) };
}

/** When something came to the terminal: by the server's clock when its run was in contact, else by the terminal's. */
function arrivalOf(
  { boot, claimed }: ReadObservations,
  { afterMs }: Observation,
  offsetMs: number | null,
): DescribedObservation["time"] {
  if (boot && offsetMs !== null) {
    return { unixMs: offsetMs + boot.monotonicMs + afterMs, certainty: "measured" };
  }
  return claimed ? { unixMs: claimed.unixMs + afterMs, certainty: "claimed" } : { unixMs: null, certainty: "unknown" };
}

function isMeant({ codes, fromUnixMs, toUnixMs }: ObservationQuery, observation: DescribedObservation): boolean {
  const { unixMs } = observation.time;
  if (codes.length > 0 && !observation.components.some(({ code }) => codes.includes(code))) return false;
  if (fromUnixMs !== undefined && (unixMs === null || unixMs < fromUnixMs)) return false;
  return toUnixMs === undefined || (unixMs !== null && unixMs < toUnixMs);
}

interface NumberedObservation extends DescribedObservation {
  /** Its number in its stream. */
  readonly number: number;
}

/** What a segment holds, newest first; null when it is no observations. */
function describeSegment(
  { row, stream, before }: StreamToRead,
  read: ReadObservations | undefined,
  offsetMs: number | null,
): readonly NumberedObservation[] | null {
  if (!read?.observations) return null;
  const described = read.observations.map((one, i) => {
    const arrival = arrivalOf(read, one, offsetMs);
    const number = read.firstFrame + i;
    return {
      number,
      id: cursorText({ recording: row.id, stream: stream.stream, before: number }),
      recordingId: row.id,
      stream: stream.stream,
      terminalSerial: row.terminal,
      device: one.device,
      time: one.claimed ? { unixMs: one.claimed.unixMs, certainty: "device" as const } : arrival,
      arrivedAtUnixMs: arrival.unixMs,
      components: one.components.map(describeComponent),
    };
  });
  return described.filter(({ number }) => number < before).toReversed();
}

/** Observations of a stream segment by segment, newest first, and before which one each segment ends. */
export async function* readStream({ catalog, reader }: ObservationParts, one: StreamToRead) {
  for await (const placements of segmentsBefore(catalog, one)) {
    const opened = await reader.readObservations(one.row.id, placements);
    const byFirst = new Map(opened.map((read) => [read.firstFrame, read]));
    for (const { firstFrame, frameCount } of placements) {
      const read = byFirst.get(firstFrame);
      const offsetMs = read?.boot ? await catalog.findBootOffset(one.row.terminal, read.boot.bootId) : null;
      yield { endsBefore: firstFrame + frameCount, observations: describeSegment(one, read, offsetMs) };
    }
  }
}

/**
 * One page of the observations in some recordings of a patient, the last to come to their terminal first.
 *
 * @param rows newest first.
 * @throws {ServerError} ERR_REQUEST_RANGE, ERR_DATA_UNREADABLE.
 */
export async function readObservationPage(
  parts: ObservationParts,
  rows: readonly RecordingRow[],
  query: ObservationQuery,
): Promise<ObservationPage> {
  const observations: DescribedObservation[] = [];
  let [openedCount, unreadableSegments] = [0, 0];
  for (const one of streamsToRead(rows, query)) {
    const next = (before: number) => cursorText({ recording: one.row.id, stream: one.stream.stream, before });
    for await (const segment of readStream(parts, one)) {
      if (openedCount >= SEGMENTS_PER_PAGE) {
        return { observations, next: next(segment.endsBefore), unreadableSegments };
      }
      openedCount += 1;
      if (!segment.observations) unreadableSegments += 1;
      for (const { number, ...observation } of segment.observations ?? []) {
        if (!isMeant(query, observation)) continue;
        if (observations.length >= query.limit) return { observations, next: next(number + 1), unreadableSegments };
        observations.push(observation);
      }
    }
  }
  return { observations, next: null, unreadableSegments };
}
