/** Reverse output: a terminal's own streams, to it alone, once for each request, in its current assignment. */
import { deriveGroupKey, openSegment } from "@pericard/crypto";
import { FetchChallenge, parseSegment, SUITE, type RecordingId } from "@pericard/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CHALLENGE_LIFETIME_MS } from "../src/reverse-output/reverse-output.ts";
import { bodiesIn, LIST, pageOf, TestFetcher } from "./support/test-fetcher.ts";
import { createNoise, PLAIN_SHAPE, TestRecording, type MadeSegment } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import { drawRecording, type TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;
let fetcher: TestFetcher;
let patientCount = 0;

beforeAll(async () => {
  site = await new TestInstallation().start();
});
afterAll(() => site.remove());
beforeEach(() => {
  ({ terminal } = terminalOfSomebody());
  fetcher = new TestFetcher(site, terminal);
});

/** A terminal that records for a new patient. */
function terminalOfSomebody() {
  patientCount += 1;
  return site.terminalOf(`patient ${patientCount}`);
}

/** What the terminal sealed in a segment. */
function bodyOf({ sealed }: MadeSegment, by: TestTerminal = terminal): Uint8Array {
  const { serial, tenant } = by.registered;
  const key = deriveGroupKey(by.block, { suite: SUITE.pericard1, tenant, terminal: serial }, "storage", 0, 0);
  return openSegment(key, parseSegment(sealed)).plain;
}

async function upload(segments: readonly MadeSegment[], by: TestTerminal = terminal): Promise<void> {
  const { status, receipted } = await site.post(by.envelope(...segments.map(({ sealed }) => sealed)));
  expect([status, receipted.length]).toEqual([200, segments.length]);
}

async function recordingOf(by: TestTerminal = terminal): Promise<RecordingId> {
  const recording = new TestRecording(by);
  await upload(recording.take(2), by);
  return recording.id;
}

/** Two leads of noise in 32 bits, which nothing makes smaller. */
function noise(frameCount: number): readonly Int32Array[] {
  const draw = createNoise(frameCount);
  return PLAIN_SHAPE.leads.map(() => Int32Array.from({ length: frameCount }, () => draw() | 0));
}

describe("a terminal", () => {
  test("gets every segment back, byte for byte as it sealed it", async () => {
    const recording = new TestRecording(terminal);
    const segments = [...recording.take(2), recording.next({ final: true })];
    await upload(segments);
    const [page, ...others] = await fetcher.pages(recording.id);
    expect(others).toEqual([]);
    expect(page?.segments).toEqual(
      segments.map((segment, sequence) => ({
        sequence,
        offsetBytes: 0,
        hash: segment.hash,
        prev: segments[sequence - 1]?.hash ?? null,
        final: sequence === 2,
        sizeBytes: bodyOf(segment).length,
        data: bodyOf(segment),
      })),
    );
  });

  test("gets a segment that is larger than a page in parts, and what comes after it", async () => {
    const recording = new TestRecording(terminal);
    const large = recording.next({ frameCount: 150_000, leads: noise(150_000), body: { codec: "raw" } });
    const segments = [large, ...recording.take(3)];
    for (const segment of segments) await upload([segment]);
    const pages = await fetcher.pages(recording.id);
    expect(bodyOf(large).length).toBeGreaterThan(2 * 512 * 1024);
    expect(pages.length).toBeGreaterThan(2);
    expect([...bodiesIn(pages).values()]).toEqual(segments.map((segment) => bodyOf(segment)));
  });

  test("gets more segments than a page holds", async () => {
    const recording = new TestRecording(terminal);
    const segments = recording.take(70, { frameCount: 5 });
    await upload(segments.slice(0, 64));
    await upload(segments.slice(64));
    const pages = await fetcher.pages(recording.id);
    expect(pages.map((page) => page.segments.length)).toEqual([64, 6]);
    expect(bodiesIn(pages).size).toBe(70);
  });

  test("is told where the server has nothing", async () => {
    const recording = new TestRecording(terminal);
    const [first, second, third] = recording.take(3) as readonly [MadeSegment, MadeSegment, MadeSegment];
    await upload([first, third]);
    const [page] = await fetcher.pages(recording.id);
    expect(page?.segments.map(({ sequence }) => sequence)).toEqual([0, 2]);
    await upload([second]);
    const [rest] = await fetcher.pages(recording.id, { sequence: 1, offsetBytes: 10 });
    expect(rest?.segments[0]?.data).toEqual(bodyOf(second).subarray(10));
    const [empty] = await fetcher.pages(recording.id, { sequence: 3, offsetBytes: 0 });
    expect(empty).toMatchObject({ segments: [], next: null });
  });

  test("gets the list of its streams, newest first, in parts", async () => {
    const ids: RecordingId[] = [];
    for (let i = 0; i < 3; i += 1) {
      ids.unshift(await recordingOf());
      site.pass(1000);
    }
    const { streams, more } = await fetcher.list();
    expect([streams.map(({ recording }) => recording), more]).toEqual([ids, false]);
    expect(streams[0]).toMatchObject({ stream: 0, segmentCount: 2, highestSequence: 1 });
    const [, middle] = streams;
    expect((await fetcher.list(middle)).streams).toEqual(streams.slice(2));
  });

  test("has what it was given in the audit trail, and what it was not", async () => {
    const { catalog } = site.server.context;
    const recording = await recordingOf();
    const count = await catalog.countAudit();
    await fetcher.ask(pageOf(recording));
    await fetcher.ask(LIST);
    await fetcher.ask(pageOf(drawRecording()));
    const entries = (await catalog.listAudit(count, 10)).filter(({ action }) => action === "fetch back");
    expect(entries.map(({ outcome }) => outcome)).toEqual(["allowed", "allowed", "denied"]);
  });
});

describe("an answer", () => {
  test("is signed by the server and opens to no other terminal", async () => {
    const recording = await recordingOf();
    const request = fetcher.request({ challenge: await fetcher.challenge(), wanted: pageOf(recording) });
    const said = await fetcher.send(request);
    expect(fetcher.verified(said.message).type).toBe("pericard/returned");
    expect(fetcher.open(request, said)).toMatchObject({ kind: "page" });
    const { terminal: other } = terminalOfSomebody();
    const asOther = {
      ...other,
      registered: { ...other.registered, routing: terminal.routing },
      routing: terminal.routing,
    };
    for (const thief of [
      asOther,
      { ...asOther, block: terminal.block, registered: terminal.registered },
      { ...asOther, agreeKey: terminal.agreeKey, registered: terminal.registered },
    ]) {
      expect(() => fetcher.open(request, said, thief as unknown as TestTerminal)).toThrow(
        expect.objectContaining({ code: "ERR_SEAL_BROKEN" }),
      );
    }
  });

  test("is that of one request, not of another", async () => {
    const recording = await recordingOf();
    const challenge = await fetcher.challenge();
    const [one, two] = [0, 1].map((sequence) =>
      fetcher.request({ challenge, wanted: pageOf(recording, { sequence, offsetBytes: 0 }) }),
    ) as [Uint8Array, Uint8Array];
    const [toOne, toTwo] = [await fetcher.send(one), await fetcher.send(two)];
    for (const [request, said] of [
      [one, toTwo],
      [two, toOne],
    ] as const) {
      expect(() => fetcher.open(request, said)).toThrow(expect.objectContaining({ code: "ERR_RETURN_MISMATCH" }));
    }
  });
});

const codeOf = async (request: Uint8Array): Promise<unknown> => (await fetcher.send(request)).code;

describe("a request is refused", () => {
  test("when it came before, also after a restart", async () => {
    const recording = await recordingOf();
    const challenge = await fetcher.challenge();
    const request = fetcher.request({ challenge, wanted: pageOf(recording) });
    const later = fetcher.request({ challenge, wanted: pageOf(recording) });
    expect(await codeOf(later)).toBeUndefined();
    expect(await codeOf(later)).toBe("ERR_FETCH_REPLAYED");
    expect(await codeOf(request)).toBe("ERR_FETCH_REPLAYED");
    await site.stop();
    await site.start();
    expect(await codeOf(later)).toBe("ERR_FETCH_REPLAYED");
    expect(await codeOf(fetcher.request({ challenge, wanted: pageOf(recording) }))).toBeUndefined();
  });

  test("when its challenge has expired, is another terminal's, or is not the server's word", async () => {
    const wanted = pageOf(await recordingOf());
    const old = await fetcher.challenge();
    site.pass(CHALLENGE_LIFETIME_MS - 1);
    expect(await codeOf(fetcher.request({ challenge: old, wanted }))).toBeUndefined();
    site.pass(1);
    expect(await codeOf(fetcher.request({ challenge: old, wanted }))).toBe("ERR_FETCH_CHALLENGE");
    const { terminal: other } = terminalOfSomebody();
    const { routing } = terminal;
    const issuedAtUnixMs = site.clock.unixMs;
    const own = FetchChallenge.encode({
      routing,
      nonce: new Uint8Array(32),
      issuedAtUnixMs,
      expiresAtUnixMs: issuedAtUnixMs + 1000,
    });
    const challenge = await fetcher.challenge();
    for (const wrong of [
      await new TestFetcher(site, other).challenge(),
      terminal.sign("pericard/fetch-challenge", own),
      (await fetcher.ask(LIST)).message.slice(0, 1000),
      challenge.with(challenge.length - 1, (challenge.at(-1) ?? 0) ^ 1),
      new Uint8Array(0),
    ]) {
      expect(await codeOf(fetcher.request({ challenge: wrong, wanted }))).toBe("ERR_FETCH_CHALLENGE");
    }
  });

  test("when it is signed by another terminal, or changed on the way", async () => {
    const wanted = pageOf(await recordingOf());
    const { terminal: other } = terminalOfSomebody();
    const challenge = await fetcher.challenge();
    const foreign = new TestFetcher(site, other);
    expect(await codeOf(foreign.request({ challenge, wanted }, { routing: terminal.routing }))).toBe(
      "ERR_MESSAGE_REFUSED",
    );
    const request = fetcher.request({ challenge, wanted });
    expect(await codeOf(request.with(request.length - 70, (request.at(-70) ?? 0) ^ 1))).toBe("ERR_SIGNATURE_INVALID");
  });

  test("when the recording is another terminal's, even of the same patient, or is not there", async () => {
    const { terminal: other, patient } = terminalOfSomebody();
    const theirs = await recordingOf(other);
    site.store.assign(terminal.registered.serial, patient.id, site.clock.unixMs, "test");
    for (const recording of [theirs, drawRecording()]) {
      expect((await fetcher.ask(pageOf(recording))).code).toBe("ERR_NOT_FOUND");
    }
    expect((await fetcher.list()).streams).toEqual([]);
  });

  test("when the recording is of an earlier assignment, also of the same patient", async () => {
    const first = site.store.assignments(terminal.registered.serial).at(-1)?.patient ?? null;
    const recording = await recordingOf();
    site.pass(1000);
    const patient = site.store.addPatient(site.tenant.id, "next", site.clock.unixMs);
    for (const next of [patient.id, first]) {
      site.store.assign(terminal.registered.serial, next, site.clock.unixMs, "test");
      site.pass(1000);
      expect((await fetcher.ask(pageOf(recording))).code).toBe("ERR_NOT_FOUND");
      expect((await fetcher.list()).streams).toEqual([]);
    }
  });

  test("when the terminal is nobody's", async () => {
    const recording = await recordingOf();
    site.store.assign(terminal.registered.serial, null, site.clock.unixMs, "test");
    expect((await fetcher.ask(pageOf(recording))).code).toBe("ERR_NOT_FOUND");
    expect((await fetcher.ask(LIST)).code).toBe("ERR_NOT_FOUND");
  });

  test("when the terminal is in quarantine", async () => {
    const wanted = pageOf(await recordingOf());
    const challenge = await fetcher.challenge();
    site.store.quarantineTerminal(terminal.registered.serial);
    site.pass(2000);
    expect(await codeOf(fetcher.request({ challenge, wanted }))).toBe("ERR_TERMINAL_QUARANTINED");
  });

  test("when it would begin within a segment that is not there, or after its end", async () => {
    const recording = await recordingOf();
    for (const from of [
      { sequence: 7, offsetBytes: 1 },
      { sequence: 0, offsetBytes: 1_000_000 },
    ]) {
      expect((await fetcher.ask(pageOf(recording, from))).code).toBe("ERR_NOT_FOUND");
    }
  });

  test("for a while, when the terminal asks too often", async () => {
    const said = await Promise.all(Array.from({ length: 40 }, () => fetcher.send(fetcher.request(null))));
    const refused = said.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(10);
    expect(new Set(refused.map(({ code, retryAfter }) => `${code} ${retryAfter}`))).toEqual(
      new Set(["ERR_FETCH_RATE 2"]),
    );
    site.pass(1000);
    expect((await fetcher.send(fetcher.request(null))).status).toBe(200);
  });
});
