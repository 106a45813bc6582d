/** Every illegal operation of docs/illegal-operations.md: refused, counted, in the audit trail, and nothing stored. */
import { deriveGroupKey, deriveMessageKey, sealEncrypt0, sha256, systemRandom } from "@pericard/crypto";
import {
  encodeCbor,
  encodeSegmentBody,
  encodeSegmentHeader,
  ENVELOPE_BYTES_MAX,
  RecordingId,
  SEGMENT_TYPE,
  SUITE,
  toHex,
} from "@pericard/protocol";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Answer } from "./support/http.ts";
import { PaperTestTerminal } from "./support/paper-terminal.ts";
import { PLAIN_SHAPE, TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;
let recording: TestRecording;

beforeAll(async () => {
  site = new TestInstallation();
  const quota = { terminalBytesPerDay: 3_000_000, tenantBytesPerDay: 20_000_000 };
  await site.start({ ...site.config, quota });
});
afterAll(() => site.remove());
beforeEach(() => {
  terminal = site.terminalOf(`patient ${performance.now()}`).terminal;
  recording = new TestRecording(terminal);
});

const envelope = (): Uint8Array => terminal.envelope(recording.next().sealed);

/** A segment whose frame rate is 0, which no writer of ours makes. */
function sealedWithoutRate(): Uint8Array {
  const { serial, tenant } = terminal.registered;
  const suite = SUITE.pericard1;
  const place = { recording: recording.id, stream: 0, sequence: 0, cycle: 0, index: 0, use: 0 };
  const key = deriveGroupKey(terminal.block, { suite, tenant, terminal: serial }, "storage", 0, 0);
  const info = encodeCbor(["segment", RecordingId.toBytes(recording.id), 0, 0, 0]);
  const salt = systemRandom(32);
  const messageKey = deriveMessageKey(salt, key, info);
  const owner = { suite, tenant, terminal: serial, policyVersion: 0, prev: null, final: false };
  const header = encodeSegmentHeader({ ...owner, ...place, salt, commitment: messageKey.commitment });
  const descriptor = {
    kind: 1,
    boot: null,
    claimed: null,
    firstFrame: 0,
    frameCount: 1,
    shape: { ...PLAIN_SHAPE, frameRateHz: { num: 1, den: 77_777 } },
    predecessor: null,
  } as const;
  const encoded = systemRandom(10);
  const plain = encodeSegmentBody({ descriptor, codec: "lead-residual", digest: sha256(encoded), encoded });
  const rateAt = Buffer.from(plain).indexOf("011a00012fd1", 0, "hex");
  expect(rateAt).toBeGreaterThan(0);
  return sealEncrypt0(messageKey, header, SEGMENT_TYPE, [plain.with(rateAt, 0)]);
}

interface Operation {
  /** As the page has it. */
  readonly operation: string;
  readonly commit: () => Promise<Answer>;
  /** How it is refused, and whom and what the audit trail names. */
  readonly refusedWith: string;
  readonly source: () => string;
  readonly action: string;
}

const itself = (): string => `terminal ${terminal.registered.serial}`;
const claimed = (): string => `somebody as ${itself()}`;

const OPERATIONS: readonly Operation[] = [
  {
    operation: "an upload client that nobody admitted",
    commit: () => site.post(envelope(), { token: "somebody-else-entirely" }),
    refusedWith: "401 `ERR_CLIENT_UNKNOWN`",
    source: () => "upload client",
    action: "refused ERR_CLIENT_UNKNOWN",
  },
  {
    operation: "a source that nobody registered",
    commit: async () => {
      const elsewhere = new TestInstallation();
      const stranger = elsewhere.terminal();
      const message = stranger.envelope(new TestRecording(stranger).next().sealed);
      await elsewhere.remove();
      return site.post(message);
    },
    refusedWith: "403 `ERR_TERMINAL_UNKNOWN`",
    source: () => "unknown source",
    action: "refused ERR_TERMINAL_UNKNOWN",
  },
  {
    operation: "a source that was quarantined",
    commit: () => {
      site.store.quarantineTerminal(terminal.registered.serial);
      return site.post(envelope());
    },
    refusedWith: "403 `ERR_TERMINAL_QUARANTINED`",
    source: () => "unknown source",
    action: "refused ERR_TERMINAL_QUARANTINED",
  },
  {
    operation: "a signature that is not the source's",
    commit: () => {
      const message = envelope();
      return site.post(message.with(message.length - 1, (message.at(-1) ?? 0) ^ 1));
    },
    refusedWith: "403 `ERR_SIGNATURE_INVALID`",
    source: claimed,
    action: "refused ERR_SIGNATURE_INVALID",
  },
  {
    operation: "bytes that are no message",
    commit: () => site.post(Uint8Array.of(0xff, 1, 2)),
    refusedWith: "400 `ERR_COSE_STRUCTURE`",
    source: () => "unknown source",
    action: "refused ERR_COSE_STRUCTURE",
  },
  {
    operation: "a message of a type that terminals do not send, or that speaks for another terminal",
    commit: () => site.post(terminal.sign("pericard/receipt", Uint8Array.of(0x80))),
    refusedWith: "422 `ERR_MESSAGE_REFUSED`",
    source: itself,
    action: "refused ERR_MESSAGE_REFUSED",
  },
  {
    operation: "a message of another suite than the registration's",
    commit: () => {
      const paper = new PaperTestTerminal(site.store, site.tenant.id, site.clock.unixMs);
      return site.post(paper.sign("pericard/envelope", terminal.sealContent([recording.next().sealed])));
    },
    refusedWith: "422 `ERR_SUITE_REFUSED`",
    source: () => "terminal ",
    action: "refused ERR_SUITE_REFUSED",
  },
  {
    operation: "a body over 20 MiB",
    commit: () => site.post(new Uint8Array(ENVELOPE_BYTES_MAX + 1)),
    refusedWith: "413 `ERR_BODY_TOO_LARGE`",
    source: () => "upload client",
    action: "refused ERR_BODY_TOO_LARGE",
  },
  {
    operation: "a status that was sent before",
    commit: async () => {
      const status = terminal.status();
      await site.post(status);
      return site.post(status);
    },
    refusedWith: "409 `ERR_STATUS_REPLAYED`",
    source: itself,
    action: "refused ERR_STATUS_REPLAYED",
  },
  {
    operation: "more bytes in a day than the terminal or its tenant may send",
    commit: () => {
      const many = Array.from({ length: 50 }, () => recording.next({ frameCount: 25_000 }).sealed);
      return site.post(terminal.envelope(...many));
    },
    refusedWith: "429 `ERR_QUOTA_EXCEEDED`",
    source: itself,
    action: "refused ERR_QUOTA_EXCEEDED",
  },
  {
    operation: "an envelope whose content was changed, or sealed under another key",
    commit: () => {
      const content = terminal.sealContent([recording.next().sealed]);
      // Within C: behind it lies the recipient with K_K.
      const at = Math.floor(content.length / 2);
      return site.post(terminal.sign("pericard/envelope", content.with(at, (content[at] ?? 0) ^ 1)));
    },
    refusedWith: "signed `rejected` `ERR_SEAL_BROKEN`",
    source: itself,
    action: "rejected ERR_SEAL_BROKEN",
  },
  {
    operation: "a segment with a declaration out of range",
    commit: () => site.post(terminal.envelope(sealedWithoutRate())),
    refusedWith: "signed `rejected` `ERR_FIELD_RANGE`",
    source: itself,
    action: "rejected ERR_FIELD_RANGE",
  },
  {
    operation: "a segment of another terminal's recording",
    commit: async () => {
      const other = site.terminal();
      await site.post(other.envelope(new TestRecording(other, PLAIN_SHAPE, {}, recording.id).next().sealed));
      return site.post(envelope());
    },
    refusedWith: "signed `rejected` `ERR_MESSAGE_REFUSED`",
    source: itself,
    action: "rejected ERR_MESSAGE_REFUSED",
  },
  {
    operation: "a segment whose place another one has",
    commit: async () => {
      await site.post(envelope());
      return site.post(terminal.envelope(recording.at(0, null, 0).sealed));
    },
    refusedWith: "signed `conflict` `sequence`",
    source: itself,
    action: "conflict sequence",
  },
  {
    operation: "a segment that contradicts the chain",
    commit: async () => {
      await site.post(envelope());
      return site.post(terminal.envelope(recording.at(1, new Uint8Array(32).fill(7), 250).sealed));
    },
    refusedWith: "signed `conflict` `chain`",
    source: itself,
    action: "conflict chain",
  },
  {
    operation: "a segment of a recording that was erased",
    commit: async () => {
      await site.post(envelope());
      const order = { reason: "test", by: "test", atUnixMs: site.clock.unixMs };
      site.store.eraseRecordings([recording.id], order);
      const { catalog } = site.server.context;
      await expect.poll(() => catalog.findRecording(recording.id), { timeout: 10_000 }).toBeNull();
      return site.post(envelope());
    },
    refusedWith: "signed `erased`",
    source: itself,
    action: "erased",
  },
];

function refusalOf(answer: Answer): string {
  if (answer.status !== 200) return `${answer.status} \`${answer.code}\``;
  const [rejected] = answer.rejections;
  if (rejected) return `signed \`rejected\` \`${rejected.code}\``;
  const [conflict] = answer.conflicts;
  return conflict ? `signed \`conflict\` \`${conflict.cause}\`` : "signed `erased`";
}

const trail = () => site.server.context.catalog.listAudit(0, 10_000);

describe("an illegal operation is refused, counted and written down, and nothing of it is stored:", () => {
  test.each(OPERATIONS.map((one) => [one.operation, one] as const))("%s", async (_, operation) => {
    site.pass(3_600_000);
    const countsBefore = { ...site.server.context.refusals.totals };
    const entriesBefore = (await trail()).length;
    const answer = await operation.commit();
    expect(refusalOf(answer)).toBe(operation.refusedWith);
    expect(answer.receipts).toEqual([]);
    const { totals } = site.server.context.refusals;
    expect(totals[operation.action]).toBe((countsBefore[operation.action] ?? 0) + 1);
    const added = (await trail()).slice(entriesBefore).filter(({ outcome }) => outcome === "denied");
    expect(added.map(({ actor, action }) => `${actor}: ${action}`)).toContainEqual(
      expect.stringMatching(new RegExp(`^${operation.source()}.*: ${operation.action}`)),
    );
    const health = (await (await fetch(`${site.server.url}/healthz`)).json()) as { refusals: Record<string, number> };
    expect(health.refusals[operation.action]).toBe(totals[operation.action]);
    // Nothing of it is in the way of what is legal.
    const fresh = site.terminal();
    const { sealed, hash } = new TestRecording(fresh).next();
    expect((await site.post(fresh.envelope(sealed))).receipted).toEqual([toHex(hash)]);
  });

  test("the page lists the same ones", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/illegal-operations.md"), "utf8");
    const rows = [...page.matchAll(/^\| (an? [^|]+|bytes [^|]+|more [^|]+) \| ([^|]+) \| [^|]+ \|$/gm)];
    expect(rows.map(([, operation, refused]) => [operation, refused])).toEqual(
      OPERATIONS.map(({ operation, refusedWith }) => [operation, refusedWith]),
    );
  });
});

describe("a terminal that repeats itself without end", () => {
  test("fills the audit trail with two entries an hour", async () => {
    const bad = envelope();
    const repeat = async (times: number): Promise<void> => {
      const message = bad.with(bad.length - 1, (bad.at(-1) ?? 0) ^ 1);
      for (let i = 0; i < times; i += 1) expect((await site.post(message)).status).toBe(403);
    };
    site.pass(3_600_000);
    const before = (await trail()).length;
    await repeat(40);
    site.pass(3_600_000);
    await repeat(3);
    const added = (await trail()).slice(before).filter(({ actor }) => actor === claimed());
    expect(added.map(({ action }) => action)).toEqual([
      "refused ERR_SIGNATURE_INVALID",
      expect.stringMatching(/^refused ERR_SIGNATURE_INVALID: 39 more in the hour from 20\d\d-/),
      "refused ERR_SIGNATURE_INVALID",
    ]);
  });

  test("is counted also when the server stops", async () => {
    const other = await new TestInstallation().start();
    const source = other.terminal();
    const message = source.sign("pericard/receipt", Uint8Array.of(0x80));
    for (let i = 0; i < 3; i += 1) await other.post(message);
    await other.stop();
    await other.start();
    const entries = await other.server.context.catalog.listAudit(0, 100);
    expect(entries.map(({ action }) => action)).toContainEqual(expect.stringMatching(/: 2 more in the hour/));
    await other.remove();
  });
});

test("a quota holds for a day, and what was not stored does not count", async () => {
  const big = () =>
    terminal.envelope(...Array.from({ length: 40 }, () => recording.next({ frameCount: 15_000 }).sealed));
  const first = await site.post(big());
  expect(first.receipted).toHaveLength(40);
  const second = big();
  const refused = await site.post(second);
  expect([refused.status, refused.code]).toEqual([429, "ERR_QUOTA_EXCEEDED"]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
  expect((await site.post(terminal.status())).status).toBe(200);
  site.pass(24 * 3_600_000);
  expect((await site.post(second)).receipted).toHaveLength(40);
});
