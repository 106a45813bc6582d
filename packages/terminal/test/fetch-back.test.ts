/** What a terminal believes of what comes back: the server's word, for its request, sealed to it, one chain with its digests. */
import { ed25519Private, signMessage, systemRandom } from "@pericard/crypto";
import {
  encodeSegmentBody,
  KeyId,
  toHex,
  type RecordingId,
  type ReturnedContent,
  type ReturnedPage,
} from "@pericard/protocol";
import { NOTHING_FETCHED, systemClock, type FetchBackClient, type FetchedSegment } from "@pericard/terminal";
import { beforeEach, describe, expect, test } from "vitest";
import { fileSource } from "./support/array-source.ts";
import { NEVER, openBench, record } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { refusal, Returns } from "./support/returns.ts";
import { deployBench, type UploadBench } from "./support/uploads.ts";

const shared = new Installation();
/** A clock on which nobody waits. */
const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => void setImmediate(resolve)) };
let bench: UploadBench;
let returns: Returns;
let client: FetchBackClient;
let recording: RecordingId;

beforeEach(async () => {
  bench = deployBench(shared);
  const { terminal } = openBench(bench.folder, bench.server, { clock, profile: { segmentLengthMs: 1000 } });
  await record(terminal, fileSource(520));
  await terminal.upload({ signal: NEVER });
  recording = bench.server.recordings[0] as RecordingId;
  returns = new Returns(bench.server);
  client = terminal.fetchBack();
});

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function fetched(soFar = NOTHING_FETCHED): Promise<readonly FetchedSegment[]> {
  return collect(client.segments({ recording, stream: 0 }, soFar, NEVER));
}

const truth = (): readonly string[] =>
  bench.server.segmentsOf(recording).map(({ body }) => toHex(encodeSegmentBody(body)));

const asHex = (segments: readonly FetchedSegment[]): readonly string[] => segments.map(({ bytes }) => toHex(bytes));

/** Changes pages alone. */
function twistPages(change: (page: ReturnedPage) => ReturnedPage): void {
  returns.twist = (content: ReturnedContent) => (content.kind === "page" ? change(content) : content);
}

const withCode = (code: string): unknown => expect.objectContaining({ code });

describe("a terminal fetches", () => {
  test.each([100_000, 400, 33, 7])("every segment as it sealed it, in pages of %i bytes", async (roomBytes) => {
    returns.roomBytes = roomBytes;
    const segments = await fetched();
    expect(asHex(segments)).toEqual(truth());
    expect(segments.at(-1)?.final).toBe(true);
    expect(segments.map(({ sequence }) => sequence)).toEqual(segments.map((_, i) => i));
  });

  test("the list of its streams", async () => {
    const streams = await collect(client.streams(NEVER));
    expect(streams.map((one) => [one.recording, one.stream])).toEqual([[recording, 0]]);
  });

  test("from where it stopped", async () => {
    const all = await fetched();
    const soFar = { nextSequence: 3, lastHash: all[2]?.hash ?? null };
    expect(asHex(await fetched(soFar))).toEqual(truth().slice(3));
  });

  test("over what the server does not have, and asks with one challenge", async () => {
    for (const [key, { header }] of bench.server.stored) if (header.sequence === 2) bench.server.stored.delete(key);
    returns.roomBytes = 200;
    expect((await fetched()).map(({ sequence }) => sequence)).toEqual([0, 1, 3, 4, 5]);
    expect(returns.requests.filter(({ asked }) => asked === null)).toHaveLength(1);
    const contacts = returns.requests.map(({ contact }) => contact);
    expect(contacts).toEqual([...new Set(contacts)].toSorted((a, b) => a - b));
  });

  test("again after a challenge that expired, a replay on the path, a rate and a failing path", async () => {
    const said = [
      refusal(409, "ERR_FETCH_CHALLENGE"),
      refusal(409, "ERR_FETCH_REPLAYED"),
      refusal(429, "ERR_FETCH_RATE"),
      refusal(503, "ERR_BUFFER_FULL"),
      [],
    ];
    returns.answer = (mail) => said.shift() ?? mail;
    expect(asHex(await fetched())).toEqual(truth());
    expect(returns.requests.filter(({ asked }) => asked === null)).toHaveLength(2);
  });

  test("and hands other mail on", async () => {
    const { routing } = bench;
    returns.answer = (mail) => [bench.server.command(routing, 9, "segment-length", 2000), ...mail];
    expect(asHex(await fetched())).toEqual(truth());
  });
});

describe("a terminal takes nothing", () => {
  test("that the server did not sign, that answers another request, or that is for another terminal", async () => {
    const stranger = ed25519Private(systemRandom(32));
    const kid = KeyId.toBytes(bench.server.receiptKey.keyId);
    const pages: (readonly Uint8Array[])[] = [];
    const lies: ((mail: readonly Uint8Array[]) => readonly Uint8Array[])[] = [
      () => [signMessage(stranger, "pericard/returned", kid, new Uint8Array(300))],
      (mail) => mail.map((message) => message.with(300, (message[300] ?? 0) ^ 1)),
      (mail) => mail.map((message) => message.subarray(0, -1)),
      () => pages[0] ?? [],
      () => [bench.server.receipt(bench.routing, [new Uint8Array(32)])],
      () => [new Uint8Array(10)],
    ];
    returns.answer = (mail) => {
      const lie = pages.length > 0 ? lies.shift() : undefined;
      if (!lie) pages.push(mail);
      return lie ? lie(mail) : mail;
    };
    returns.roomBytes = 300;
    expect(asHex(await fetched())).toEqual(truth());
    expect([lies.length, pages.length > 1]).toEqual([0, true]);
  });

  test("for ever: it gives up when nothing that it believes comes", async () => {
    returns.answer = (mail) => mail.map((message) => message.with(-1 + message.length, (message.at(-1) ?? 0) ^ 1));
    await expect(fetched()).rejects.toThrow(withCode("ERR_FETCH_UNANSWERED"));
    expect(returns.requests.length).toBeLessThan(12);
  });

  test("when the server refuses, and says why", async () => {
    returns.answer = () => refusal(404, "ERR_NOT_FOUND");
    await expect(fetched()).rejects.toThrow(/ERR_NOT_FOUND/);
    await expect(collect(client.streams(NEVER))).rejects.toThrow(withCode("ERR_FETCH_REFUSED"));
  });

  test("when it is stopped", async () => {
    returns.answer = () => refusal(503, "ERR_BUFFER_FULL");
    const segments = client.segments({ recording, stream: 0 }, NOTHING_FETCHED, AbortSignal.abort());
    await expect(collect(segments)).rejects.toThrow(withCode("ERR_FETCH_UNANSWERED"));
  });
});

async function broken(): Promise<void> {
  await expect(fetched()).rejects.toThrow(withCode("ERR_FETCH_BROKEN"));
}

describe("a terminal notices a server that", () => {
  test("gives another stream, or a list", async () => {
    twistPages((page) => ({ ...page, name: { ...page.name, stream: 1 } }));
    await broken();
    returns.twist = () => ({ kind: "list", streams: [], more: false });
    await broken();
  });

  test("changes a segment's contents, or its place in the chain", async () => {
    twistPages((page) => ({
      ...page,
      segments: page.segments.map((one) => ({ ...one, data: one.data.with(-1 + one.data.length, 77) })),
    }));
    await broken();
    twistPages((page) => ({
      ...page,
      segments: page.segments.map((one) => (one.sequence === 3 ? { ...one, prev: systemRandom(32) } : one)),
    }));
    await broken();
  });

  test("gives the contents of one segment in the place of another", async () => {
    twistPages((page) => {
      const [a, b, ...rest] = page.segments;
      if (!a || !b) return page;
      const swapped = [
        { ...a, data: b.data, sizeBytes: b.sizeBytes, hash: b.hash },
        { ...b, data: a.data, sizeBytes: a.sizeBytes, hash: a.hash },
      ];
      return { ...page, segments: [...swapped, ...rest] };
    });
    await broken();
  });

  test("changes a segment between two pages", async () => {
    returns.roomBytes = 60;
    twistPages((page) => ({
      ...page,
      segments: page.segments.map((one) => (one.offsetBytes > 0 ? { ...one, hash: systemRandom(32) } : one)),
    }));
    await broken();
  });
});
