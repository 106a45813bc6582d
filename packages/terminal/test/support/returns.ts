/** Gives a terminal's segments back as a server does, in pages of any size, with every answer in a test's hand. */
import { deriveGroupKey, sealReturned, sha256, systemRandom } from "@pericard/crypto";
import {
  encodeMail,
  encodeSegmentBody,
  FetchBack,
  FetchChallenge,
  parseSigned,
  type FetchPlace,
  type FetchWanted,
  type RecordingId,
  type ReturnedContent,
  type ReturnedPage,
  type ReturnedSegment,
} from "@pericard/protocol";
import type { PostAnswer } from "@pericard/terminal";
import type { Received, TestServer } from "./test-server.ts";

const HOUR_MS = 3600_000;
const CHALLENGED_AT_UNIX_MS = Date.UTC(2026, 0, 2);

export const refusal = (status: number, problemCode: string): PostAnswer => ({
  status,
  mail: null,
  problemCode,
  retryAfterMs: null,
  target: "memory",
  cutOff: false,
});

/** Answers requests for streams out of what a server stored. */
export class Returns {
  readonly requests: FetchBack[] = [];
  /** Bytes of contents in one page. */
  roomBytes = 100_000;
  /** What is given instead of the right content. */
  twist: (content: ReturnedContent) => ReturnedContent = (content) => content;
  /** What is said instead of the right mail to a request that has its challenge. */
  answer: (mail: readonly Uint8Array[]) => readonly Uint8Array[] | PostAnswer = (mail) => mail;
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
    server.intercept = (body) => (parseSigned(body).type === "pericard/fetch-back" ? this.#take(body) : undefined);
  }

  /** A stored segment as it is returned. */
  segmentOf({ hash, header, body }: Received): ReturnedSegment {
    const data = encodeSegmentBody(body);
    const { sequence, prev, final } = header;
    return { sequence, offsetBytes: 0, hash, prev, final, sizeBytes: data.length, data };
  }

  #take(bytes: Uint8Array): PostAnswer {
    const request = FetchBack.decode(parseSigned(bytes).payload);
    this.requests.push(request);
    const mail = [request.asked ? this.#return(request, bytes, request.asked.wanted) : this.#challenge(request)];
    const answer = request.asked ? this.answer(mail) : mail;
    return isPostAnswer(answer)
      ? answer
      : {
          status: 200,
          mail: encodeMail(answer),
          problemCode: null,
          retryAfterMs: null,
          target: "memory",
          cutOff: false,
        };
  }

  #challenge({ routing }: FetchBack): Uint8Array {
    const issuedAtUnixMs = CHALLENGED_AT_UNIX_MS;
    const times = { issuedAtUnixMs, expiresAtUnixMs: issuedAtUnixMs + HOUR_MS };
    const payload = FetchChallenge.encode({ routing, nonce: systemRandom(32), ...times });
    return this.#server.sign("pericard/fetch-challenge", payload);
  }

  #return({ routing, cycle, index }: FetchBack, request: Uint8Array, wanted: FetchWanted): Uint8Array {
    const { store } = this.#server.installation;
    const terminal = store.findTerminalByRouting(routing);
    if (!terminal?.agreePublicKey) throw new Error("terminal is unknown");
    const { serial, suite, tenant, agreePublicKey } = terminal;
    const binding = { suite, tenant, terminal: serial };
    const returnKey = deriveGroupKey(store.openBlock(serial), binding, "return", cycle, index);
    const content = this.twist(wanted.kind === "list" ? this.#list() : this.#page(wanted));
    const asked = { routing, requestHash: sha256(request) };
    const sealed = sealReturned({ agreePublicKey, returnKey, cycle, index }, asked, content, systemRandom);
    return this.#server.sign("pericard/returned", sealed);
  }

  #list(): ReturnedContent {
    const streams = this.#server.recordings.map((recording) => ({
      recording: recording as RecordingId,
      stream: 0,
      firstReceivedAtUnixMs: 1,
      segmentCount: this.#server.segmentsOf(recording).length,
      highestSequence: 1,
    }));
    return { kind: "list", streams, more: false };
  }

  #page({ name, from }: Extract<FetchWanted, { kind: "page" }>): ReturnedPage {
    const rest = this.#server
      .segmentsOf(name.recording)
      .map((one) => this.segmentOf(one))
      .filter(({ sequence }) => sequence >= from.sequence);
    const segments: ReturnedSegment[] = [];
    let leftBytes = this.roomBytes;
    const asPage = (next: FetchPlace | null): ReturnedPage => ({ kind: "page", name, from, next, segments });
    for (const segment of rest) {
      const { sequence, sizeBytes } = segment;
      if (leftBytes === 0) return asPage({ sequence, offsetBytes: 0 });
      const offsetBytes = sequence === from.sequence ? from.offsetBytes : 0;
      const data = segment.data.subarray(offsetBytes, offsetBytes + leftBytes);
      segments.push({ ...segment, offsetBytes, data });
      leftBytes -= data.length;
      const endBytes = offsetBytes + data.length;
      if (endBytes < sizeBytes) return asPage({ sequence, offsetBytes: endBytes });
    }
    return asPage(null);
  }
}

function isPostAnswer(answer: readonly Uint8Array[] | PostAnswer): answer is PostAnswer {
  return "status" in answer;
}
