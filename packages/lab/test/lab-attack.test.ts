/** The attack experiment: what happened to each target, and that a broken defence shows. */
import {
  openEnvelope,
  openPaperEnvelope,
  sealSegment,
  desEncrypt,
  paperRsaPrivate,
  paperTransportKey,
  deriveGroupKey,
  sha256,
  systemRandom,
  x25519Private,
} from "@pericard/crypto";
import { BYTE_CODECS } from "@pericard/ecg";
import {
  decodePaperContent,
  PAPER_CONTENT_BYTES_MAX,
  parseEnvelope,
  parseSegment,
  TenantId,
  parsePaperEnvelope,
  parseSigned,
  SUITE,
  TerminalId,
  toHex,
} from "@pericard/protocol";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowOf, type Attack, type TargetName } from "../src/attack/attack.ts";
import { Chain } from "../src/attack/chain.ts";
import { mapBlocks } from "../src/attack/block-map.ts";
import { extrapolate } from "../src/attack/extrapolate.ts";
import { opens } from "../src/attack/key-search.ts";
import { MESSAGE_ATTACKS } from "../src/attack/message-attacks.ts";
import { encodePaperA, PaperAReceiver, parsePaperA, sealPaperA } from "../src/attack/paper-a.ts";
import { SERIAL } from "../src/attack/paper-seal.ts";
import { createPaperTarget } from "../src/attack/paper-target.ts";
import { createPericardTarget } from "../src/attack/pericard-target.ts";
import { describeLeads, rawSamples, segmentLeads, synthesise } from "../src/attack/recording.ts";
import { ReducedKeys } from "../src/attack/reduced-keys.ts";
import { runAttackLab, type AttackReport } from "../src/attack/run.ts";
import { openAttackSite, type AttackSite } from "../src/attack/site.ts";
import { sweep } from "../src/attack/sweep.ts";
import type { Judge, Target } from "../src/attack/target.ts";
import { Program } from "../src/crash/program.ts";

const NEVER = new AbortController().signal;
const quiet = (): void => undefined;
/** Everything that a run writes goes here, so that a test can look what is left. */
const folder = mkdtempSync(join(tmpdir(), "pericard-attack-test-"));
const systemFolder = process.env["TMPDIR"];

beforeAll(() => {
  process.env["TMPDIR"] = folder;
});

afterAll(() => {
  if (systemFolder === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = systemFolder;
  rmSync(folder, { recursive: true, force: true });
});

/** What each attack does: to A, to A+B, and to pericard-1. */
const OUTCOMES: readonly (readonly [string, boolean, boolean, boolean])[] = [
  ["key search, one key", true, true, false],
  ["key search, first of 120 keys", true, true, false],
  ["block-repeat map of an ECG", true, true, false],
  ["known gzip block, network message", true, true, false],
  ["man in the middle of the key change", true, true, false],
  ["flip a bit on the way", true, false, false],
  ["flip a bit in the flash", true, true, false],
  ["splice on the way", true, false, false],
  ["splice in the flash", true, true, false],
  ["replay", true, false, false],
  ["roll the flash back", true, true, false],
  ["strip the signature", true, false, false],
  ["tell equal uploads", true, true, false],
];
const NAMES: readonly TargetName[] = ["A", "A+B", "pericard-1"];

describe("the experiment", () => {
  let report: AttackReport;
  const whyOf = (attack: string, target: TargetName): string =>
    report.rows.find((row) => row.attack === attack && row.target === target)?.why ?? "";
  beforeAll(async () => {
    report = await runAttackLab({ bits: 12, signal: NEVER, onProgress: quiet });
  }, 120_000);

  test.each(OUTCOMES)("%s: A %s, A+B %s, pericard-1 %s", (attack, ...outcomes) => {
    for (const [i, target] of NAMES.entries()) {
      const row = report.rows.find((one) => one.attack === attack && one.target === target);
      const suite = target === "pericard-1" ? "pericard-1" : "paper-2018";
      expect(row).toMatchObject({ suite, succeeded: outcomes[i], expected: outcomes[i] });
    }
  });

  test("is these attacks and no others, and leaves nothing behind", () => {
    expect(report.rows).toHaveLength(3 * OUTCOMES.length);
    expect(report.asExpected).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("finds the first of 120 keys sooner than one", () => {
    const { bits, trialsToOne, trialsToFirstOf120, keysPerSecond } = report.keySearch;
    expect(bits).toBe(12);
    expect(trialsToOne).toBeLessThanOrEqual(2 ** 12);
    expect(trialsToFirstOf120).toBeLessThanOrEqual(trialsToOne ?? 0);
    // Each of 120 keys would have to lie in the last half: a chance of 2^-120.
    expect(trialsToFirstOf120).toBeLessThanOrEqual(2 ** 11);
    expect(keysPerSecond).toBeGreaterThan(1000);
  });

  test("is refused by pericard-1 for the reasons that it should be", () => {
    expect(whyOf("flip a bit on the way", "pericard-1")).toMatch(/^0 of 12 .*refused: ERR_SIGNATURE_INVALID$/);
    expect(whyOf("flip a bit in the flash", "pericard-1")).toMatch(/^0 of 12 .*refused: ERR_SEAL_BROKEN$/);
    expect(whyOf("roll the flash back", "pericard-1")).toContain("alarm: repeat");
    expect(whyOf("man in the middle of the key change", "pericard-1")).toMatch(
      /^4 forged messages: the terminal ignored 3, the server refused 1 \(ERR_SIGNATURE_INVALID\)/,
    );
  });

  test("draws the heart's rate that paper-2018 tells, and that pericard-1 does not", () => {
    expect(report.picture).toMatch(/paper-2018, .* 7[0-5] beats a minute/);
    expect(report.picture).toMatch(/pericard-1, .* 0\.0 % of the blocks come again, no rhythm/);
    expect(report.picture.match(/<rect /g)?.length).toBeGreaterThan(1000);
  });
});

describe("a defence that is broken in a copy", () => {
  let site: AttackSite;
  beforeAll(async () => {
    site = await openAttackSite({ synthetic: true });
  });
  afterAll(() => site.close());

  const strip = MESSAGE_ATTACKS.find(({ name }) => name === "strip the signature") as Attack<Target>;

  test("lets an envelope of paper-2018 without a signature in, and the row says so", async () => {
    const { leave, paper, store, tenant } = site;
    const judge: Judge = async (message) => {
      const envelope = parsePaperEnvelope(message);
      const terminal = store.terminals(tenant.id).find(({ routing }) => routing === envelope.routing);
      if (!terminal) return { taken: [], code: "unknown" };
      const transportKey = paperTransportKey(leave, store.openBlock(terminal.serial), envelope.index);
      const keys = { recipient: paperRsaPrivate(leave, paper.privateDer), transportKey };
      // The signature is not looked at.
      try {
        const encoded = openPaperEnvelope(leave, keys, envelope);
        const items = decodePaperContent(BYTE_CODECS[envelope.codec].decode(encoded, PAPER_CONTENT_BYTES_MAX));
        return await Promise.resolve({ taken: items.map((item) => toHex(sha256(item))), code: null });
      } catch (error) {
        return { taken: [], code: String((error as { readonly code?: unknown }).code) };
      }
    };
    const target = createPaperTarget(site, judge);
    const row = rowOf(strip, target.name, await strip.run(target));
    expect(row).toMatchObject({ target: "A+B", succeeded: true, expected: false });
    const whole = createPaperTarget(site);
    expect(rowOf(strip, whole.name, await strip.run(whole))).toMatchObject({ succeeded: false, expected: false });
  });

  test("lets an envelope of pericard-1 without a signature in, and the row says so", async () => {
    const { store, tenant } = site;
    const [hpke] = store.serverKeys("hpke");
    const judge: Judge = async (message) => {
      const envelope = parseEnvelope(parseSigned(message).payload);
      const terminal = store.terminals(tenant.id).find(({ routing }) => routing === envelope.header.routing);
      if (!hpke || !terminal) return await Promise.resolve({ taken: [], code: "unknown" });
      const binding = { suite: SUITE.pericard1, tenant: tenant.id, terminal: terminal.serial };
      const transportKey = deriveGroupKey(store.openBlock(terminal.serial), binding, "transport", 0, 0);
      const pair = { privateKey: x25519Private(hpke.privateBytes), publicBytes: hpke.publicBytes };
      return {
        taken: openEnvelope(pair, transportKey, envelope).segments.map((item) => toHex(sha256(item))),
        code: null,
      };
    };
    const target = createPericardTarget(site, judge);
    expect(rowOf(strip, target.name, await strip.run(target))).toMatchObject({ succeeded: true, expected: false });
  });

  test("is noticed when it never was one: gzip's checksum, not the cipher, stops a flip in paper A", async () => {
    const keys = { leave: site.leave, serial: TerminalId.fromBytes(systemRandom(6)), block: systemRandom(960) };
    const item = sealPaperA(keys, 0, rawSamples(segmentLeads(synthesise(1), 0)));
    const takenBy = async (codec: "gzip" | "dedup"): Promise<number> => {
      const receiver = new PaperAReceiver(keys);
      const message = encodePaperA(keys, 0, codec, [item]);
      const start = Buffer.from(message).indexOf(parsePaperA(message).ciphertext);
      let taken = 0;
      for (let at = start; at < message.length; at += 997) {
        const verdict = await receiver.judge(message.with(at, (message[at] ?? 0) ^ 1));
        taken += verdict.taken.length;
      }
      return taken;
    };
    expect(await takenBy("gzip")).toBe(0);
    expect(await takenBy("dedup")).toBeGreaterThan(10);
  });
});

describe("synthetic data alone", () => {
  test("is taken: a tenant that was not created synthetic gives no leave, and nothing is left", async () => {
    await expect(openAttackSite({ synthetic: false })).rejects.toMatchObject({ code: "ERR_SUITE_GUARD" });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("the search", () => {
  test("goes through every key of a space once, and parity bits are no part of it", () => {
    const keys = new ReducedKeys(10);
    const key = new Uint8Array(8);
    const seen = new Set<string>();
    for (let number = 0; number < keys.size; number += 1) {
      keys.write(number, key);
      seen.add(toHex(key));
      expect(key.every((byte) => (byte & 1) === 0)).toBe(true);
      expect(keys.reduce(key)).toEqual(key);
    }
    expect(seen.size).toBe(1024);
    expect(seen.has(toHex(keys.draw()))).toBe(true);
    expect(() => new ReducedKeys(29)).toThrow(RangeError);
  });

  test("finds nothing where nothing is, and stops when it is told to", async () => {
    const site = await openAttackSite({ synthetic: true });
    try {
      const { leave } = site;
      const [knownBlock, block] = [systemRandom(8), systemRandom(8)];
      const plan = { leave, keys: new ReducedKeys(10), knownBlock, blocks: [block], onProgress: quiet };
      expect(await sweep({ ...plan, signal: NEVER })).toEqual(
        expect.objectContaining({ one: undefined, any: undefined, trials: 1024 }),
      );
      await expect(sweep({ ...plan, signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    } finally {
      await site.close();
    }
  });

  test("tells the key that is meant from that of another target, and has both tried on the samples", async () => {
    const site = await openAttackSite({ synthetic: true });
    try {
      const { leave } = site;
      const keys = new ReducedKeys(10);
      const knownBlock = systemRandom(8);
      const blocks = [700, 300].map((number) => {
        const key = new Uint8Array(8);
        keys.write(number, key);
        return desEncrypt(leave, key, knownBlock).slice(0, 8);
      });
      const found = await sweep({ leave, keys, knownBlock, blocks, signal: NEVER, onProgress: quiet });
      expect(found.any).toMatchObject({ target: 1, trials: 301 });
      expect(found.one).toMatchObject({ target: 0, trials: 701 });
    } finally {
      await site.close();
    }
  });

  test("would see a group of pericard-1 that is right", () => {
    const binding = { suite: SUITE.pericard1, tenant: TenantId.parse("01".repeat(16)), terminal: SERIAL } as const;
    const block = new ReducedKeys(8).drawBlock();
    const leads = segmentLeads(synthesise(1), 0);
    const body = { descriptor: describeLeads(leads, 0), codec: "raw", encoded: rawSamples(leads) } as const;
    const use = { cycle: 0, index: 3, use: 0, policyVersion: 0 };
    const key = deriveGroupKey(block, binding, "storage", 0, 3);
    const sealed = sealSegment(key, { ...binding, ...new Chain().next, ...use }, body, systemRandom);
    expect(opens(key, parseSegment(sealed))).toBe(true);
    expect(opens(deriveGroupKey(block, binding, "storage", 0, 4), parseSegment(sealed))).toBe(false);
  });

  test("stopped half-way leaves nothing behind", async () => {
    const stop = new AbortController();
    const run = runAttackLab({ bits: 28, signal: stop.signal, onProgress: () => stop.abort() });
    await expect(run).rejects.toMatchObject({ name: "AbortError" });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("means what others have measured: days on a card, and devices as in the paper", () => {
    const [, , paper, , card] = extrapolate(1e6);
    expect(card?.hoursForOne).toBeCloseTo(6.17 * 24, 0);
    expect(paper?.devicesOfTenForOne).toBeCloseTo(0.05, 2);
    expect(paper?.devicesOfTenFor120).toBeCloseTo(4.5, 1);
  });
});

describe("the block map", () => {
  test("finds no rhythm in random bytes, nor in bytes that are all the same", () => {
    expect(mapBlocks(systemRandom(120_000))).toMatchObject({ repeatShare: 0, heartRateBpm: null });
    expect(mapBlocks(new Uint8Array(120_000))).toMatchObject({ repeatShare: 1, heartRateBpm: null });
  });
});

/** Runs the command to its end. */
async function run(...args: readonly string[]) {
  const program = new Program({ args: ["lab", "attack", ...args], environment: {} });
  const { code } = await program.ended;
  return { code, told: program.lines.at(-1) ?? {}, log: program.log.join("\n") };
}

describe("the command", () => {
  test("prints rows as JSON and writes the picture", async () => {
    const path = join(folder, "map.svg");
    const { code, told } = await run("--bits", "8", "--json", "--picture", path);
    expect(code).toBe(0);
    expect(told["rows"]).toHaveLength(3 * OUTCOMES.length);
    expect(told).toMatchObject({ asExpected: true, picture: path, keySearch: { bits: 8 } });
    expect(readFileSync(path, "utf8")).toContain("<svg");
    rmSync(path);
  }, 120_000);

  test("refuses recordings, other bits and other pictures before it does anything", async () => {
    expect((await run("--record", "mitdb/100.hea")).code).toBe(2);
    for (const bits of ["7", "29", "12.5"]) expect((await run("--bits", bits)).code).toBe(2);
    const refused = await run("--picture", join(folder, "map.txt"));
    expect(refused).toMatchObject({ code: 1, log: expect.stringContaining("ERR_PICTURE") as string });
    expect(existsSync(join(folder, "map.txt"))).toBe(false);
  }, 60_000);
});
