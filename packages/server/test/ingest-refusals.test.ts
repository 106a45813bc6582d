/** What ingest refuses: each with its status and code or its signed statement, and nothing stored. */
import { deriveGroupKey, deriveMessageKey, sealEncrypt0, sha256, systemRandom } from "@pericard/crypto";
import {
  encodeCbor,
  encodeSegmentBody,
  encodeSegmentHeader,
  ENVELOPE_BYTES_MAX,
  KeyId,
  parseEnvelope,
  parseSigned,
  RecordingId,
  RoutingId,
  SEGMENT_TYPE,
  SEGMENTS_PER_ENVELOPE_MAX,
  TenantId,
  TerminalId,
  toHex,
  UPLOAD_PATH,
  type WaveformDescriptor,
  SUITE,
} from "@pericard/protocol";
import { request } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Answer } from "./support/http.ts";
import { outcomeOf } from "./support/outcome.ts";
import { MIXED_SHAPE, PLAIN_SHAPE, TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import { drawRecording, type TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;
let other: TestTerminal;

beforeAll(async () => {
  site = await new TestInstallation().start();
  terminal = site.terminalOf("somebody").terminal;
  other = site.terminalOf("somebody else").terminal;
});
afterAll(() => site.remove());

/** Does something that must store nothing, then shows that the server still takes data. */
async function expectNothingStored(act: () => Promise<void>, recording?: TestRecording): Promise<void> {
  const before = site.packBytes;
  await act();
  expect(site.packBytes).toBe(before);
  if (recording) expect(await site.server.context.catalog.findRecording(recording.id)).toBeNull();
  const fresh = new TestRecording(terminal);
  const { sealed, hash } = fresh.next({ frameCount: 10 });
  const answer = await site.post(terminal.envelope(sealed));
  expect(answer.receipted).toEqual([toHex(hash)]);
}

function expectRefusal(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.code }).toEqual({ status, code });
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  expect(answer.receipts).toEqual([]);
}

describe("a message whose bytes were changed on the way", () => {
  let recording: TestRecording;
  let envelope: Uint8Array;
  beforeAll(() => {
    recording = new TestRecording(terminal);
    envelope = terminal.envelope(recording.next({ frameCount: 4 }).sealed);
  });

  test("is refused for a flipped bit in any byte", async () => {
    await expectNothingStored(async () => {
      for (let at = 0; at < envelope.length; at += 1) {
        const changed = envelope.slice();
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        const { status } = await outcomeOf(site, changed);
        expect([400, 403], `byte ${at}`).toContain(status);
      }
    }, recording);
  });

  test("is refused at every shorter length, and with a byte more", async () => {
    await expectNothingStored(async () => {
      for (let length = 0; length < envelope.length; length += 1) {
        expect((await outcomeOf(site, envelope.subarray(0, length))).status, `length ${length}`).toBe(400);
      }
      expect((await outcomeOf(site, new Uint8Array([...envelope, 0]))).status).toBe(400);
    }, recording);
  });
});

describe("a message that is not the sender's own", () => {
  test("of a terminal that nobody registered is refused", async () => {
    const stranger = RoutingId.fromBytes(systemRandom(8));
    const content = terminal.sealContent([new TestRecording(terminal).next().sealed], { routing: stranger });
    await expectNothingStored(async () => {
      expectRefusal(
        await site.post(terminal.sign("pericard/envelope", content, stranger)),
        403,
        "ERR_TERMINAL_UNKNOWN",
      );
    });
  });

  test("of a quarantined terminal is refused, and taken again from no cache", async () => {
    const bad = site.terminalOf("of a bad terminal").terminal;
    const recording = new TestRecording(bad);
    expect((await site.post(bad.envelope(recording.next().sealed))).status).toBe(200);
    site.store.quarantineTerminal(bad.registered.serial);
    site.pass(1001);
    await expectNothingStored(async () => {
      const answer = await site.post(bad.envelope(recording.next().sealed));
      expectRefusal(answer, 403, "ERR_TERMINAL_QUARANTINED");
      expectRefusal(await site.post(bad.status()), 403, "ERR_TERMINAL_QUARANTINED");
      expectRefusal(await site.post(bad.gap(recording.id, 5)), 403, "ERR_TERMINAL_QUARANTINED");
    });
  });

  test("under another terminal's signature is refused", async () => {
    const recording = new TestRecording(terminal);
    const content = terminal.sealContent([recording.next().sealed]);
    await expectNothingStored(async () => {
      const answer = await site.post(other.sign("pericard/envelope", content, terminal.routing));
      expectRefusal(answer, 403, "ERR_SIGNATURE_INVALID");
    }, recording);
  });

  test("copied from another terminal and signed anew is refused", async () => {
    const recording = new TestRecording(terminal);
    const { payload } = parseSigned(terminal.envelope(recording.next().sealed));
    await expectNothingStored(async () => {
      expectRefusal(await site.post(other.sign("pericard/envelope", payload)), 422, "ERR_MESSAGE_REFUSED");
    }, recording);
  });

  test("signed as a message of another type is refused", async () => {
    const recording = new TestRecording(terminal);
    const content = terminal.sealContent([recording.next().sealed]);
    await expectNothingStored(async () => {
      for (const type of ["pericard/status", "pericard/gap"] as const) {
        expect((await site.post(terminal.sign(type, content))).status).toBe(400);
      }
      for (const type of ["pericard/receipt", "pericard/command", "pericard/key-statement"] as const) {
        expectRefusal(await site.post(terminal.sign(type, content)), 422, "ERR_MESSAGE_REFUSED");
      }
    }, recording);
  });
});

test("an envelope to a key that the server does not have is to be sealed anew, and is not rejected", async () => {
  const recording = new TestRecording(terminal);
  const hpkeKey = KeyId.fromBytes(systemRandom(8));
  const content = terminal.sealContent([recording.next().sealed], { hpkeKey });
  await expectNothingStored(async () => {
    const answer = await site.post(terminal.sign("pericard/envelope", content));
    const { envelope } = parseEnvelope(content).header;
    expect(answer.rewraps).toMatchObject([{ envelope, hpkeKey, routing: terminal.routing }]);
    expect([...answer.rejections, ...answer.receipts]).toEqual([]);
  }, recording);
});

describe("an envelope that cannot be opened gets a signed rejection that names it", () => {
  test("when its ciphertext was changed before it was signed", async () => {
    const recording = new TestRecording(terminal);
    const content = terminal.sealContent([recording.next().sealed]);
    content[200] = (content[200] ?? 0) ^ 1;
    await expectNothingStored(async () => {
      const answer = await site.post(terminal.sign("pericard/envelope", content));
      expect(answer.rejections).toMatchObject([{ code: "ERR_SEAL_BROKEN", hashes: [] }]);
    }, recording);
  });
});

/** A segment that its terminal sealed, although P' is not the digest of what it holds. */
function withWrongDigest(recording: TestRecording): Uint8Array {
  const suite = SUITE.pericard1;
  const { serial, tenant } = terminal.registered;
  const salt = systemRandom(32);
  const place = { recording: recording.id, stream: 0, sequence: 0, cycle: 0, index: 0, use: 9 };
  const key = deriveGroupKey(terminal.block, { suite, tenant, terminal: serial }, "storage", 0, 0);
  const info = encodeCbor(["segment", RecordingId.toBytes(recording.id), 0, 0, 9]);
  const messageKey = deriveMessageKey(salt, key, info);
  const owner = { suite, tenant, terminal: serial, policyVersion: 0, prev: null, final: false };
  const header = encodeSegmentHeader({ ...owner, ...place, salt, commitment: messageKey.commitment });
  const descriptor: WaveformDescriptor = {
    kind: 1,
    boot: null,
    claimed: null,
    firstFrame: 0,
    frameCount: 0,
    shape: PLAIN_SHAPE,
    predecessor: null,
  };
  const encoded = systemRandom(10);
  const plain = encodeSegmentBody({ descriptor, codec: "lead-residual", digest: systemRandom(32), encoded });
  return sealEncrypt0(messageKey, header, SEGMENT_TYPE, [plain]);
}

function flipLast(sealed: Uint8Array): Uint8Array {
  const changed = sealed.slice();
  changed[sealed.length - 1] = (changed[sealed.length - 1] ?? 0) ^ 0x80;
  return changed;
}

describe("a segment that can never be taken gets a signed rejection that names it", () => {
  const cases: readonly [string, (recording: TestRecording) => Uint8Array, string][] = [
    [
      "another tenant",
      (recording) => recording.next({ header: { tenant: TenantId.fromBytes(systemRandom(16)) } }).sealed,
      "ERR_MESSAGE_REFUSED",
    ],
    [
      "another terminal",
      (recording) => recording.next({ header: { terminal: TerminalId.fromBytes(systemRandom(6)) } }).sealed,
      "ERR_MESSAGE_REFUSED",
    ],
    [
      "a stream that is not kept",
      (recording) => recording.next({ header: { stream: 16 } }).sealed,
      "ERR_MESSAGE_REFUSED",
    ],
    ["a byte too few", (recording) => recording.next().sealed.subarray(0, -1), "ERR_CBOR_MALFORMED"],
    ["a flipped bit in its seal", (recording) => flipLast(recording.next().sealed), "ERR_SEAL_BROKEN"],
    ["a digest of other samples", (recording) => withWrongDigest(recording), "ERR_DIGEST_MISMATCH"],
    ["no bytes", () => new Uint8Array(0), "ERR_COSE_STRUCTURE"],
    ["bytes that are no segment", () => systemRandom(300), "ERR_COSE_STRUCTURE"],
  ];

  test.each(cases)("because it names or has %s, and the others of its envelope are taken", async (_, make, code) => {
    const bad = new TestRecording(terminal);
    const good = new TestRecording(terminal);
    const sealed = make(bad);
    const first = good.next();
    const second = good.next();
    const answer = await site.post(terminal.envelope(first.sealed, sealed, second.sealed));
    expect(answer.receipted).toEqual([toHex(first.hash), toHex(second.hash)].sort());
    expect(answer.rejections).toMatchObject([{ code, envelope: null }]);
    expect(answer.rejections[0]?.hashes.map(toHex)).toEqual([toHex(sha256(sealed))]);
    expect(await site.server.context.catalog.findRecording(bad.id)).toBeNull();
  });

  test("because another terminal sealed it, in an envelope of this one", async () => {
    const recording = new TestRecording(other);
    const { sealed, hash } = recording.next();
    await expectNothingStored(async () => {
      const answer = await site.post(terminal.envelope(sealed));
      expect(answer.rejections).toMatchObject([{ code: "ERR_MESSAGE_REFUSED" }]);
      expect(answer.rejections[0]?.hashes.map(toHex)).toEqual([toHex(hash)]);
    }, recording);
  });

  test("because its recording is another terminal's, without a word about what that one has", async () => {
    const theirs = new TestRecording(other);
    expect((await site.post(other.envelope(theirs.next().sealed))).receipts).toHaveLength(1);
    const mine = new TestRecording(terminal, undefined, {}, theirs.id);
    const good = new TestRecording(terminal);
    const [stolen, late] = [mine.next(), mine.next()];
    const answer = await site.post(terminal.envelope(stolen.sealed, late.sealed, good.next().sealed));
    expect(answer.rejections.map(({ code }) => code)).toEqual(["ERR_MESSAGE_REFUSED", "ERR_MESSAGE_REFUSED"]);
    expect(answer.conflicts).toEqual([]);
    expect(answer.receipted).toEqual(good.made.map(({ hash }) => toHex(hash)));
    const row = await site.server.context.catalog.findRecording(theirs.id);
    expect(row).toMatchObject({ terminal: other.registered.serial, streams: [{ segmentCount: 1 }] });
  });
});

describe("limits", () => {
  test("64 segments in one envelope are taken", async () => {
    const recording = new TestRecording(terminal);
    const segments = recording.take(SEGMENTS_PER_ENVELOPE_MAX, { frameCount: 5 });
    const answer = await site.post(terminal.envelope(...segments.map(({ sealed }) => sealed)));
    expect(answer.receipted).toEqual(segments.map(({ hash }) => toHex(hash)).sort());
  });

  test("a body over the limit is refused, declared or not", async () => {
    await expectNothingStored(async () => {
      const body = new Uint8Array(ENVELOPE_BYTES_MAX + 1);
      expectRefusal(await site.post(body), 413, "ERR_BODY_TOO_LARGE");
    });
  });

  test("an envelope at the limit of a body is parsed, not crashed on", async () => {
    await expectNothingStored(async () => {
      const body = new Uint8Array(ENVELOPE_BYTES_MAX).fill(0x80);
      body.set([0xd2, 0x84]);
      expect((await site.post(body)).status).toBe(400);
    });
  });
});

describe("clients", () => {
  const tokens: readonly [string, Record<string, string>][] = [
    ["no token", { authorization: "" }],
    ["a wrong token", { authorization: "Bearer wrong-token-wrong-token" }],
    ["a shortened token", { authorization: "Bearer upload-token-of-the-test" }],
    ["another scheme", { authorization: "Basic upload-token-of-the-tests" }],
    ["two tokens", { authorization: "Bearer upload-token-of-the-tests upload-token-of-the-tests" }],
  ];

  test.each(tokens)("with %s are refused", async (_, headers) => {
    const recording = new TestRecording(terminal);
    await expectNothingStored(async () => {
      const answer = await site.post(terminal.envelope(recording.next().sealed), { headers });
      expectRefusal(answer, 401, "ERR_CLIENT_UNKNOWN");
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }, recording);
  });

  test("without a token are refused before they send a body", async () => {
    const headers = { authorization: "Bearer no", "content-length": ENVELOPE_BYTES_MAX };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sending = request(`${site.server.url}${UPLOAD_PATH}`, { method: "POST", headers }, (response) => {
        resolve(response.statusCode);
        sending.destroy();
      });
      sending.once("error", reject);
      sending.flushHeaders();
    });
    expect(status).toBe(401);
  });
});

describe("statuses and gaps", () => {
  let recording: TestRecording;
  beforeEach(async () => {
    recording = new TestRecording(terminal);
    await site.post(terminal.envelope(recording.next().sealed));
  });

  test("a status that was sent before is refused", async () => {
    const status = terminal.status({ contact: 1_000_000 });
    expect((await site.post(status)).status).toBe(200);
    expectRefusal(await site.post(status), 409, "ERR_STATUS_REPLAYED");
    expectRefusal(await site.post(terminal.status({ contact: 999_999 })), 409, "ERR_STATUS_REPLAYED");
    expect((await site.post(terminal.status({ contact: 1_000_001 }))).status).toBe(200);
  });

  test("statements that name another routing id than they are signed under are refused", async () => {
    await expectNothingStored(async () => {
      const { routing } = other;
      expectRefusal(await site.post(terminal.status({ routing, contact: 2_000_000 })), 422, "ERR_MESSAGE_REFUSED");
      expectRefusal(await site.post(terminal.gap(recording.id, 1, { routing })), 422, "ERR_MESSAGE_REFUSED");
    });
  });

  test("a gap in another terminal's recording is refused", async () => {
    await site.post(terminal.envelope((recording.next(), recording.next().sealed)));
    await expectNothingStored(async () => {
      expectRefusal(await site.post(other.gap(recording.id, 1)), 422, "ERR_MESSAGE_REFUSED");
    });
    const row = await site.server.context.catalog.findRecording(recording.id);
    expect(await site.server.context.catalog.findMissing(row?.key ?? 0, 0)).toMatchObject([{ cause: "pending" }]);
  });

  test("a gap is receipted by its hash, and stored once however often it comes", async () => {
    const gap = terminal.gap(recording.id, 7);
    expect((await site.post(gap)).receipted).toEqual([toHex(sha256(gap))]);
    await expectNothingStored(async () => {
      expect((await site.post(gap)).receipted).toEqual([toHex(sha256(gap))]);
      expect((await site.post(gap)).receipted).toEqual([toHex(sha256(gap))]);
    });
  });

  test("a head of another terminal's recording changes nothing of it", async () => {
    const head = {
      recording: recording.id,
      stream: 0,
      sequence: 99,
      hash: systemRandom(32),
      final: false,
      open: false,
    };
    await site.post(other.status({ heads: [head] }));
    const row = await site.server.context.catalog.findRecording(recording.id);
    expect(row).toMatchObject({ streams: [{ toldSequence: null, toldOpen: true }] });
  });
});

test("bytes that are valid CBOR and nothing else are refused", async () => {
  await expectNothingStored(async () => {
    for (const value of [null, 1, "text", [], new Map(), [[[]]], systemRandom(100)]) {
      expect((await outcomeOf(site, encodeCbor(value))).status).toBe(400);
    }
  });
});

test("a shape that is not the recording's is a conflict, and a recording id of nobody is not", async () => {
  const recording = new TestRecording(terminal);
  await site.post(terminal.envelope(recording.next().sealed));
  const [last] = recording.made;
  const changed = new TestRecording(terminal, MIXED_SHAPE, {}, recording.id).at(1, last?.hash ?? null, 250);
  const answer = await site.post(terminal.envelope(changed.sealed));
  expect(answer.conflicts).toMatchObject([{ cause: "shape", sequence: 1, recording: recording.id }]);
  expect(await site.server.context.catalog.findRecording(drawRecording())).toBeNull();
});
