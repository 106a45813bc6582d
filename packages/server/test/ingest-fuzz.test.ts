/** Mutated valid messages: never an internal error, never a stored byte that nobody signed. */
import { deriveGroupKey, deriveMessageKey, sealEncrypt0, sha256, systemRandom } from "@pericard/crypto";
import {
  encodeCbor,
  encodeDescriptor,
  encodeSegmentHeader,
  parseSigned,
  RecordingId,
  SEGMENT_TYPE,
  SUITE,
  toHex,
  type CborValue,
} from "@pericard/protocol";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outcomeOf } from "./support/outcome.ts";
import { MIXED_SHAPE, TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

const FUZZED = ["pericard/envelope", "pericard/status", "pericard/gap"] as const;

let site: TestInstallation;
let terminal: TestTerminal;
let samples: Record<(typeof FUZZED)[number], Uint8Array>;

beforeAll(async () => {
  site = await new TestInstallation().start();
  terminal = site.terminalOf("somebody").terminal;
  const recording = new TestRecording(terminal, MIXED_SHAPE);
  samples = {
    "pericard/envelope": terminal.envelope(...recording.take(2, { frameCount: 8 }).map(({ sealed }) => sealed)),
    "pericard/status": terminal.status({ contact: 5 }),
    "pericard/gap": terminal.gap(recording.id, 3),
  };
});
afterAll(() => site.remove());

type Mutation = (bytes: Uint8Array) => Uint8Array;

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

/** One small change somewhere: a flipped byte, bytes cut out, bytes put in, a part repeated. */
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([at, mask]): Mutation => (bytes) => {
    const changed = bytes.slice();
    const i = Math.floor(at * bytes.length);
    changed[i] = (changed[i] ?? 0) ^ mask;
    return changed;
  }),
  fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(([at, count]): Mutation => (bytes) => {
    const i = Math.floor(at * bytes.length);
    return new Uint8Array([...bytes.subarray(0, i), ...bytes.subarray(i + count)]);
  }),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 12 })).map(([at, extra]): Mutation => (bytes) => {
    const i = Math.floor(at * bytes.length);
    return new Uint8Array([...bytes.subarray(0, i), ...extra, ...bytes.subarray(i)]);
  }),
  fc.tuple(place, place).map(([at, from]): Mutation => (bytes) => {
    const [i, j] = [Math.floor(at * bytes.length), Math.floor(from * bytes.length)];
    return new Uint8Array([...bytes.subarray(0, i), ...bytes.subarray(j, j + 20), ...bytes.subarray(i)]);
  }),
);
const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });

const mutate = (bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array =>
  changes.reduce((changed, change) => change(changed), bytes);

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe.each(FUZZED)("a mutated %s", (type) => {
  test("is malformed or not signed", async () => {
    const before = site.packBytes;
    await fc.assert(
      fc.asyncProperty(mutations, async (changes) => {
        const changed = mutate(samples[type], changes);
        if (isSame(changed, samples[type])) return;
        expect([400, 403]).toContain((await outcomeOf(site, changed)).status);
      }),
      { numRuns: 400 },
    );
    expect(site.packBytes).toBe(before);
  });

  test("whose payload was mutated before it was signed is refused or rejected, never an internal error", async () => {
    const before = site.packBytes;
    const { payload } = parseSigned(samples[type]);
    await fc.assert(
      fc.asyncProperty(mutations, async (changes) => {
        const changed = mutate(payload, changes);
        if (isSame(changed, payload)) return;
        const { status, types } = await outcomeOf(site, terminal.sign(type, changed));
        expect([200, 400, 409, 422]).toContain(status);
        if (type === "pericard/envelope") expect(types).not.toContain("pericard/receipt");
      }),
      { numRuns: 400 },
    );
    if (type === "pericard/envelope") expect(site.packBytes).toBe(before);
  });
});

/** Samples that do not decode are kept, marked and audited; what asks for them gets an answer. */
async function expectMarkedSuspect(recording: RecordingId): Promise<void> {
  const { catalog, library } = site.server.context;
  const account = site.store.addAccount(site.tenant.id, "clinician", "clinician");
  const row = await catalog.findRecording(recording);
  await expect
    .poll(async () => (await catalog.findSummaries(row?.key ?? 0, 0, 0, 0)).map(({ suspect }) => suspect), {
      timeout: 20_000,
    })
    .toEqual([true]);
  const stretch = { fromFrame: 0, toFrame: 4 };
  await expect(library.readSamples(account, recording, stretch, "code")).rejects.toMatchObject({
    code: "ERR_DATA_UNREADABLE",
  });
}

/** Seals any plaintext at all, as a terminal with a defect would. */
function sealPlain(recording: RecordingId, plain: Uint8Array): Uint8Array {
  const suite = SUITE.pericard1;
  const { tenant, serial } = terminal.registered;
  const salt = systemRandom(32);
  const key = deriveGroupKey(terminal.block, { suite, tenant, terminal: serial }, "storage", 0, 0);
  const info = encodeCbor(["segment", RecordingId.toBytes(recording), 0, 0, 0]);
  const messageKey = deriveMessageKey(salt, key, info);
  const place = { recording, stream: 0, sequence: 0, cycle: 0, index: 0, use: 0 };
  const owner = { suite, tenant, terminal: serial, policyVersion: 0, prev: null, final: false };
  const header = encodeSegmentHeader({ ...owner, ...place, salt, commitment: messageKey.commitment });
  return sealEncrypt0(messageKey, header, SEGMENT_TYPE, [plain]);
}

describe("a segment that its terminal sealed, whatever is in it", () => {
  test("mutated after sealing is rejected by its hash; its neighbours are receipted", async () => {
    await fc.assert(
      fc.asyncProperty(mutations, async (changes) => {
        const [good, bad] = [new TestRecording(terminal), new TestRecording(terminal)];
        const { sealed, hash } = good.next({ frameCount: 4 });
        const original = bad.next({ frameCount: 4 }).sealed;
        const changed = mutate(original, changes);
        if (isSame(changed, original)) return;
        const outcome = await outcomeOf(site, terminal.envelope(sealed, changed));
        expect(outcome).toMatchObject({ status: 200, receipted: [toHex(hash)] });
        expect(outcome.types).toEqual(["pericard/receipt", "pericard/rejected"]);
      }),
      { numRuns: 100 },
    );
  });

  test("with a mutated plaintext is rejected or kept, and reading it never ends the server", async () => {
    const descriptor = encodeDescriptor({
      kind: 1,
      boot: null,
      claimed: null,
      firstFrame: 0,
      frameCount: 4,
      shape: MIXED_SHAPE,
      predecessor: null,
    });
    const encoded = systemRandom(30);
    const body = encodeCbor([descriptor, "lead-residual", sha256(encoded), encoded]);
    const kept = new Set<RecordingId>();
    await fc.assert(
      fc.asyncProperty(mutations, async (changes) => {
        const { id } = new TestRecording(terminal);
        const sealed = sealPlain(id, mutate(body, changes));
        const outcome = await outcomeOf(site, terminal.envelope(sealed));
        expect(outcome.status).toBe(200);
        expect(outcome.types).toHaveLength(1);
        if (outcome.types[0] === "pericard/receipt") kept.add(id);
      }),
      { numRuns: 200 },
    );
    const { id } = new TestRecording(terminal);
    expect((await outcomeOf(site, terminal.envelope(sealPlain(id, body)))).types).toEqual(["pericard/receipt"]);
    await expectMarkedSuspect(id);
    expect(kept.size).toBeLessThan(200);
  });
});

test("CBOR that only looks like a message is refused", async () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.uint8Array());
  const value = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie("node"), { maxLength: 5 })),
  })).node as fc.Arbitrary<CborValue>;
  await fc.assert(
    fc.asyncProperty(value, fc.constantFrom(0xd2, 0xd0, 0xd8), async (content, tag) => {
      const bytes = new Uint8Array([tag, ...encodeCbor(content)]);
      expect((await outcomeOf(site, bytes)).status).toBe(400);
    }),
    { numRuns: 300 },
  );
});
