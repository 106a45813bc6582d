import { ed25519Private, signMessage, systemRandom } from "@pericard/crypto";
import { issueServerKey } from "@pericard/custody";
import { KeyId, Receipt, type RoutingId } from "@pericard/protocol";
import { readProvision, writeProvision } from "@pericard/trsm";
import { beforeEach, describe, expect, test } from "vitest";
import { fileSource, samplesOf } from "./support/array-source.ts";
import { NEVER, openBench, record, until } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestClock, turns } from "./support/test-clock.ts";
import { PLAIN, type Received } from "./support/test-server.ts";
import { deployBench, hashesIn, recorded, upload, type UploadBench } from "./support/uploads.ts";

const shared = new Installation();
let bench: UploadBench;

beforeEach(() => {
  bench = deployBench(shared);
});

const receiptPayload = (to: RoutingId, hashes: readonly Uint8Array[]): Uint8Array =>
  Receipt.encode({ routing: to, receivedAtUnixMs: 1, copyCount: 1, hashes });

const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes.at(at) ?? 0) ^ 1);

/** Uploads with the server silent, answering with that mail instead. */
async function answeredWith(makeMail: (segments: readonly Received[]) => readonly Uint8Array[]) {
  const clock = new TestClock();
  const own = await recorded(bench, 2, clock);
  bench.server.judge = () => "silent";
  const stop = new AbortController();
  const uploading = own.terminal.upload({ signal: stop.signal });
  await clock.advance(100);
  bench.server.mail = [...makeMail(bench.server.envelopes.flat())];
  await clock.advance(40_000);
  stop.abort();
  await uploading;
  return { ...own, status: own.terminal.status() };
}

describe("receipts", () => {
  test("delivery alone moves nothing: an item without a receipt is sent again, later and later", async () => {
    const clock = new TestClock();
    const own = await recorded(bench, 1, clock);
    bench.server.judge = () => "silent";
    const stop = new AbortController();
    const uploading = own.terminal.upload({ signal: stop.signal });
    const sentAfter = async (seconds: number): Promise<number> => {
      await clock.advance(seconds * 1000);
      return bench.server.envelopes.length;
    };
    expect(await sentAfter(1)).toBe(1);
    expect(await sentAfter(28)).toBe(1);
    expect(await sentAfter(2)).toBe(2);
    expect(await sentAfter(55)).toBe(2);
    expect(await sentAfter(10)).toBe(3);
    expect(own.terminal.status().journal.items).toBe(2);
    bench.server.judge = () => "receipt";
    await clock.advance(300_000);
    await uploading;
    expect(own.terminal.status().journal).toMatchObject({ items: 0, bytes: 0 });
  });

  test("the honest one is believed", async () => {
    const { status } = await answeredWith((segments) => [bench.server.receipt(bench.routing, hashesIn(segments))]);
    expect(status).toMatchObject({ journal: { items: 0 }, upload: { receiptsVerified: 3, badMail: 0 } });
    expect(status.lastReceiptAtUnixMs).not.toBeNull();
  });

  test.each<{ name: string; mail: (segments: readonly Received[]) => readonly Uint8Array[] }>([
    {
      name: "one that another key signed",
      mail: (segments) => {
        const payload = receiptPayload(bench.routing, hashesIn(segments));
        const { keyId } = bench.server.receiptKey;
        const forger = ed25519Private(systemRandom(32));
        return [signMessage(forger, "pericard/receipt", KeyId.toBytes(keyId), payload)];
      },
    },
    {
      name: "one under an unknown key id",
      mail: (segments) => {
        const payload = receiptPayload(bench.routing, hashesIn(segments));
        const forger = ed25519Private(bench.server.receiptKey.privateBytes);
        return [signMessage(forger, "pericard/receipt", new Uint8Array(8), payload)];
      },
    },
    {
      name: "one for another terminal",
      mail: (segments) => {
        const other = readProvision(bench.installation.deployInMemory()).routing;
        return [bench.server.receipt(other, hashesIn(segments))];
      },
    },
    {
      name: "one whose payload is signed as another type",
      mail: (segments) => [bench.server.sign("pericard/conflict", receiptPayload(bench.routing, hashesIn(segments)))],
    },
    { name: "one with a flipped byte", mail: (s) => [flip(bench.server.receipt(bench.routing, hashesIn(s)), 150)] },
    { name: "one with a flipped signature", mail: (s) => [flip(bench.server.receipt(bench.routing, hashesIn(s)), -1)] },
    { name: "one that is cut", mail: (s) => [bench.server.receipt(bench.routing, hashesIn(s)).subarray(0, -1)] },
    { name: "garbage", mail: () => [Uint8Array.of(1, 2, 3), new Uint8Array(0), systemRandom(500)] },
    {
      name: "a terminal's own message",
      mail: () => bench.server.bodies.filter((body) => body.length < 500).slice(0, 1),
    },
  ])("$name moves nothing and is counted", async ({ mail }) => {
    const { status } = await answeredWith(mail);
    expect(status).toMatchObject({ journal: { items: 3 }, upload: { receiptsVerified: 0 } });
    expect(status.upload.badMail).toBeGreaterThan(0);
  });

  test("one that lists what is not in the journal moves nothing else", async () => {
    const { status } = await answeredWith(([first]) => {
      const hashes = first ? [first.hash, systemRandom(32)] : [];
      return [bench.server.receipt(bench.routing, hashes), bench.server.receipt(bench.routing, [systemRandom(32)])];
    });
    expect(status).toMatchObject({ journal: { items: 2 }, upload: { receiptsVerified: 1, badMail: 0 } });
  });

  test("a bad message does not keep the next one from being read", async () => {
    const { status } = await answeredWith((s) => [systemRandom(40), bench.server.receipt(bench.routing, hashesIn(s))]);
    expect(status).toMatchObject({ journal: { items: 0 }, upload: { badMail: 1 } });
  });

  test("replayed receipts of earlier items move no later one", async () => {
    const own = await recorded(bench, 2);
    await upload(own);
    const old = bench.server.receipt(bench.routing, hashesIn([...bench.server.stored.values()]));
    bench.server.judge = () => "silent";
    await record(own.terminal, fileSource(100, { name: "second" }));
    const stop = new AbortController();
    const uploading = own.terminal.upload({ signal: stop.signal });
    await until(() => bench.server.envelopes.length > 1, "sent");
    bench.server.mail = [old];
    await turns();
    stop.abort();
    await uploading;
    expect(own.terminal.status().journal.items).toBe(2);
  });
});

describe("refusals of the path never move anything", () => {
  test.each([400, 401, 403, 404, 409, 413, 422, 429, 500, 503])("%i", async (status) => {
    const clock = new TestClock();
    const own = await recorded(bench, 3, clock);
    let posts = 0;
    bench.server.intercept = (body) => {
      posts += 1;
      return body && { status, mail: null, problemCode: "ERR_ANY", ...PLAIN };
    };
    const stop = new AbortController();
    const uploading = own.terminal.upload({ signal: stop.signal });
    await clock.advance(120_000);
    expect(own.terminal.status().journal).toMatchObject({ items: 4, quarantined: 0 });
    expect(posts).toBeGreaterThan(6);
    expect(posts).toBeLessThan(40);
    bench.server.intercept = () => undefined;
    await clock.advance(60_000);
    await uploading;
    expect(bench.server.samplesOf(bench.server.recordings[0] ?? "")[0]).toEqual(samplesOf(0, 0, 300));
  });

  test("Retry-After is honoured", async () => {
    const clock = new TestClock();
    const own = await recorded(bench, 1, clock);
    let posts = 0;
    bench.server.intercept = () => {
      posts += 1;
      return { status: 503, mail: null, problemCode: "ERR_BUFFER_FULL", ...PLAIN, retryAfterMs: 100_000 };
    };
    const stop = new AbortController();
    const uploading = own.terminal.upload({ signal: stop.signal });
    await clock.advance(99_000);
    expect(posts).toBe(2);
    await clock.advance(2000);
    expect(posts).toBe(4);
    stop.abort();
    await uploading;
  });

  test("a body that is too large for the path is made smaller", async () => {
    const clock = new TestClock();
    const { terminal } = openBench(bench.folder, bench.server, { clock, profile: { segmentLengthMs: 60_000 } });
    const format = { ...fileSource(0).format, frameRateHz: { num: 1000, den: 1 } };
    await record(terminal, fileSource(60_000 * 30, { format, blockFrames: 60_000 }));
    const sizes: number[] = [];
    bench.server.intercept = (body) => {
      if (body.length <= 300_000) return undefined;
      sizes.push(body.length);
      return { status: 413, mail: null, problemCode: null, ...PLAIN };
    };
    const uploading = terminal.upload({ signal: NEVER });
    await clock.advance(120_000);
    await uploading;
    expect(sizes.length).toBeGreaterThan(0);
    expect(bench.server.stored.size).toBe(31);
  });
});

describe("server keys", () => {
  test("a newer key of the pinned root is believed from then on, and kept", async () => {
    const own = await recorded(bench, 2);
    const newer = issueServerKey(bench.installation.root, "receipt", 2, Date.UTC(2026, 1), systemRandom);
    bench.server.mail = [newer.statement];
    bench.server.judge = () => "silent";
    const stop = new AbortController();
    const uploading = own.terminal.upload({ signal: stop.signal });
    await until(() => bench.server.envelopes.length > 0, "sent");
    stop.abort();
    await uploading;
    expect(own.events).toContainEqual({ type: "server-keys" });
    const again = openBench(bench.folder.afterPowerCut(0), bench.server);
    bench.server.receiptKey = newer;
    bench.server.judge = () => "receipt";
    await upload(again);
    expect(again.terminal.status()).toMatchObject({ journal: { items: 0 }, upload: { badMail: 0 } });
  });

  test("a key of another root is ignored and counted", async () => {
    const other = new Installation();
    const stranger = issueServerKey(other.root, "receipt", 9, Date.UTC(2026, 1), systemRandom);
    const own = await recorded(bench, 1);
    bench.server.mail = [stranger.statement];
    await upload(own);
    expect(own.terminal.status()).toMatchObject({ journal: { items: 0 }, upload: { keyStatementsIgnored: 1 } });
  });

  test("without a usable key nothing is uploaded, and recording goes on", async () => {
    writeProvision(bench.folder, { ...readProvision(bench.folder), statements: [] });
    const own = await recorded(bench, 1);
    await expect(upload(own)).rejects.toMatchObject({ code: "ERR_SERVER_UNTRUSTED" });
    const both = own.terminal.record(fileSource(10, { name: "b" }), { signal: NEVER, upload: true });
    await expect(both).rejects.toMatchObject({ code: "ERR_SERVER_UNTRUSTED" });
    expect(own.terminal.status().journal.items).toBe(2);
  });
});
