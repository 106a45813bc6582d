/**
 * Reverse output at the terminal: the streams of its current assignment, segment by segment, each compared with its digest
 * and its place in the chain.
 *
 * Source: paper B §4; docs/format.md §7.10.
 */
import { verifyDigest } from "@pericard/crypto";
import {
  decodeSegmentBody,
  equalBytes,
  type FetchPlace,
  type ReturnedPage,
  type ReturnedSegment,
  type ReturnedStream,
  type SegmentBody,
  type StreamName,
} from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import { FetchRequests, type FetchParts } from "./fetch-requests.ts";

/** A segment that came back. What lies between two of them the server does not have. */
export interface FetchedSegment {
  readonly sequence: number;
  readonly hash: Uint8Array;
  readonly final: boolean;
  readonly body: SegmentBody;
  /** The body's bytes, as the terminal sealed them once. */
  readonly bytes: Uint8Array;
}

/** Where fetching goes on: the sequence after the last one that is there, and that one's h. */
export interface FetchedSoFar {
  readonly nextSequence: number;
  readonly lastHash: Uint8Array | null;
}

export const NOTHING_FETCHED: FetchedSoFar = { nextSequence: 0, lastHash: null };

/** Fetches for one terminal. */
export class FetchBackClient {
  readonly #requests: FetchRequests;

  constructor(parts: FetchParts) {
    this.#requests = new FetchRequests(parts);
  }

  /**
   * The streams that the server would give back, newest recording first.
   *
   * @throws {TerminalError} ERR_FETCH_REFUSED, ERR_FETCH_UNANSWERED, ERR_FETCH_BROKEN.
   */
  async *streams(signal: AbortSignal): AsyncGenerator<ReturnedStream> {
    for (let after: StreamName | null = null; ;) {
      const list = await this.#requests.ask({ kind: "list", after }, signal);
      if (list.kind !== "list") throw broken("server gave a page instead of a list");
      yield* list.streams;
      after = list.streams.at(-1) ?? null;
      if (!list.more || !after) return;
    }
  }

  /**
   * Segments of a stream, in order, from where an earlier run stopped.
   *
   * @throws {TerminalError} ERR_FETCH_REFUSED, ERR_FETCH_UNANSWERED, or ERR_FETCH_BROKEN when what came back is not one chain
   * or not what it says of itself.
   */
  async *segments(name: StreamName, soFar: FetchedSoFar, signal: AbortSignal): AsyncGenerator<FetchedSegment> {
    const chain = new ReturnedChain(soFar);
    let part: OpenPart | undefined;
    for (let from: FetchPlace | null = { sequence: soFar.nextSequence, offsetBytes: 0 }; from;) {
      const page = await this.#askPage(name, from, signal);
      for (const segment of page.segments) {
        part = joined(part, segment);
        if (part.filledBytes < segment.sizeBytes) continue;
        yield chain.take(segment, part.bytes);
        part = undefined;
      }
      from = page.next;
    }
  }

  async #askPage(name: StreamName, from: FetchPlace, signal: AbortSignal): Promise<ReturnedPage> {
    const page = await this.#requests.ask({ kind: "page", name, from }, signal);
    const isAsked =
      page.kind === "page" &&
      page.name.recording === name.recording &&
      page.name.stream === name.stream &&
      page.from.sequence === from.sequence &&
      page.from.offsetBytes === from.offsetBytes;
    if (isAsked) return page;
    throw broken("server gave another page than was asked for");
  }
}

function broken(message: string, cause?: unknown): TerminalError {
  return new TerminalError("ERR_FETCH_BROKEN", message, { cause });
}

/** A segment of which the beginning is there. */
interface OpenPart {
  readonly segment: ReturnedSegment;
  readonly bytes: Uint8Array;
  readonly filledBytes: number;
}

/** The part with what came next of it; a page's first segment goes on where the one before ended. */
function joined(part: OpenPart | undefined, segment: ReturnedSegment): OpenPart {
  const { sequence, offsetBytes, sizeBytes, hash, data } = segment;
  const filledBytes = offsetBytes + data.length;
  if (offsetBytes === 0) {
    if (data.length === sizeBytes) return { segment, bytes: data, filledBytes };
    const bytes = new Uint8Array(sizeBytes);
    bytes.set(data);
    return { segment, bytes, filledBytes };
  }
  const known = part?.segment;
  const goesOn = known?.sequence === sequence && known.sizeBytes === sizeBytes && equalBytes(known.hash, hash);
  if (!part || !goesOn || part.filledBytes !== offsetBytes)
    throw broken(`segment ${sequence} changed between two pages`);
  part.bytes.set(data, offsetBytes);
  return { ...part, filledBytes };
}

/** Holds what comes back against its digest and against what came before it. */
class ReturnedChain {
  #soFar: FetchedSoFar;

  constructor(soFar: FetchedSoFar) {
    this.#soFar = soFar;
  }

  take({ sequence, hash, prev, final }: ReturnedSegment, bytes: Uint8Array): FetchedSegment {
    const { nextSequence, lastHash } = this.#soFar;
    const follows = sequence === nextSequence && lastHash !== null;
    if (follows && !(prev && equalBytes(prev, lastHash)))
      throw broken(`segment ${sequence} does not follow the one before`);
    const body = readBody(sequence, bytes);
    this.#soFar = { nextSequence: sequence + 1, lastHash: hash };
    return { sequence, hash, final, body, bytes };
  }
}

function readBody(sequence: number, bytes: Uint8Array): SegmentBody {
  try {
    const body = decodeSegmentBody(bytes);
    verifyDigest(body);
    return body;
  } catch (cause) {
    throw broken(`segment ${sequence} is not what its digest says`, cause);
  }
}
