/**
 * Suite paper-2018 from the factory to the export, as commands of their own: what its order of encryption and compression
 * costs, what it refuses, and how it is marked.
 */
import { systemRandom } from "@pericard/crypto";
import type { KeyStore } from "@pericard/custody";
import { TerminalId, USE_COUNT_MAX } from "@pericard/protocol";
import { ApiClient, type RecordingDescription } from "@pericard/server";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "../src/crash/program.ts";
import { createDemoLink, demoPaths, demoTokens, openDemo } from "../src/demo/installation.ts";
import { startStack, type Stack } from "../src/demo/stack.ts";

const HOURS = "0.05";
/** 180 s of 12 leads at 500 Hz, 2 bytes a value. */
const RAW_BYTES = 180 * 500 * 12 * 2;
const SYNTHETIC = ["--synthetic", "--seed", "2018", "--hours", HOURS];
/** Paper A, Table I. */
const PAPER_CODECS = ["gzip", "dedup", "gzip+dedup", "dedup+gzip"];

const paths = demoPaths(mkdtempSync(join(tmpdir(), "pericard-paper-")));
let store: KeyStore;
let stack: Stack;
let client: ApiClient;

beforeAll(async () => {
  ({ store } = openDemo(paths));
  stack = await startStack({ paths, viewerPath: undefined, port: 0, onLog: () => undefined });
  client = await ApiClient.signIn(stack.serverUrl, createDemoLink(store, 3600_000));
}, 60_000);

afterAll(async () => {
  try {
    await stack.stop();
    store.close();
  } finally {
    rmSync(paths.root, { recursive: true, force: true });
  }
});

interface Ran {
  readonly code: number | null;
  /** The last JSON line. */
  readonly told: Record<string, unknown>;
  readonly log: string;
}

async function run(...args: readonly string[]): Promise<Ran> {
  const program = new Program({ args, environment: { PERICARD_KEK_PASSPHRASE_FILE: paths.passphraseFile } });
  const { code } = await program.ended;
  return { code, told: program.lines.at(-1) ?? {}, log: program.log.join("\n") };
}

/** Deploys terminals at the gateway, each with a patient of its own. @returns their folders. */
async function deploy(name: string, suite: string, count: number): Promise<readonly string[]> {
  const out = join(paths.root, "terminals", name);
  const target = ["--target", stack.gatewayUrl, "--token", demoTokens(paths).terminals];
  const args = ["--data", paths.server, "--out", out, "--suite", suite, "--count", String(count), ...target, "--json"];
  const { code, told, log } = await run("factory", "deploy", ...args);
  expect({ code, log }).toEqual({ code: 0, log: expect.anything() as unknown });
  const terminals = told["terminals"] as readonly { readonly serial: string; readonly folder: string }[];
  for (const { serial } of terminals) assignPatient(serial);
  return terminals.map(({ folder }) => folder);
}

function assignPatient(serial: string): void {
  const terminal = store.getTerminal(TerminalId.parse(serial));
  const patient = store.addPatient(terminal.tenant, `patient of ${serial}`, Date.now());
  store.assign(terminal.serial, patient.id, Date.now(), "test");
}

interface Recorded {
  readonly recording: RecordingDescription;
  readonly sentBytes: number;
}

async function record(folder: string, ...args: readonly string[]): Promise<Recorded> {
  const { code, told, log } = await run("terminal", "record", "--data", folder, ...args, "--json");
  expect({ code, waiting: told["waiting"], quarantined: told["quarantined"], log }).toMatchObject({
    code: 0,
    waiting: 0,
    quarantined: 0,
  });
  return { recording: await client.recording(String(told["recording"])), sentBytes: Number(told["sentBytes"]) };
}

/** What was sent, in percent of the raw bytes. */
function percentOf(recorded: Recorded | undefined): number {
  return Math.round((1000 * (recorded?.sentBytes ?? 0)) / RAW_BYTES) / 10;
}

async function samplesOf(recording: RecordingDescription): Promise<readonly (readonly number[])[]> {
  const leads = recording.leads.map((): number[] => []);
  for await (const stretch of client.allSamples(recording)) {
    for (const [i, lead] of stretch.leads.entries()) leads[i]?.push(...lead);
  }
  return leads;
}

describe("the same synthetic recording", () => {
  let modern: Recorded;
  let paperFolders: readonly string[] = [];
  /** Compressed after it was sealed, as in the paper. */
  const onPaper = new Map<string, Recorded>();
  /** Compressed by the same codecs before it is sealed. */
  const inOrder = new Map<string, Recorded>();

  beforeAll(async () => {
    const [modernFolder = "", ...folders] = await deploy("pericard-1", "pericard-1", 1 + PAPER_CODECS.length);
    paperFolders = await deploy("paper-2018", "paper-2018", PAPER_CODECS.length + 2);
    modern = await record(modernFolder, ...SYNTHETIC);
    await Promise.all(
      PAPER_CODECS.map(async (codec, i) => {
        onPaper.set(codec, await record(paperFolders[i] ?? "", ...SYNTHETIC, "--codec", codec));
        inOrder.set(codec, await record(folders[i] ?? "", ...SYNTHETIC, "--codec", codec));
      }),
    );
  }, 180_000);

  it("comes back exactly under both suites, and only that of paper-2018 is marked", async () => {
    const truth = await samplesOf(modern.recording);
    expect(truth[0]).toHaveLength(180 * 500);
    expect(modern.recording).toMatchObject({ suite: "pericard-1", state: "complete" });
    for (const { recording } of onPaper.values()) {
      expect(recording).toMatchObject({ suite: "paper-2018", synthetic: true, state: "complete" });
      expect(await samplesOf(recording)).toEqual(truth);
    }
  });

  it("takes all of its bytes in the paper's order, since what is encrypted does not compress", async ({ annotate }) => {
    const rows = PAPER_CODECS.map((codec) => ({
      codec,
      after: percentOf(onPaper.get(codec)),
      before: percentOf(inOrder.get(codec)),
    }));
    const lines = rows.map(({ codec, after, before }) => `${codec} ${after} after sealing, ${before} before`);
    await annotate(`percent of the raw bytes that were sent: ${lines.join("; ")}; pericard-1 ${percentOf(modern)}`);
    expect(percentOf(modern)).toBeLessThan(30);
    for (const { codec, after, before } of rows) {
      expect(after).toBeGreaterThan(99);
      expect(after).toBeGreaterThan(3 * percentOf(modern));
      if (codec !== "dedup") expect(after).toBeGreaterThan(1.5 * before);
    }
  });

  it("is marked in what the commands say and in the export", async () => {
    const { recording } = onPaper.get("gzip") ?? modern;
    const out = join(paths.root, "export");
    const data = ["--data", paths.server, "--server", stack.serverUrl];
    const exported = await run("records", "export", recording.id, ...data, "--out", out, "--json");
    expect(exported.code).toBe(0);
    expect(readFileSync(String(exported.told["headerPath"]), "utf8")).toContain("paper-2018, experiment");
    const shown = await run("records", "show", recording.id, ...data, "--json");
    expect(shown.told["suite"]).toBe("paper-2018");
    const status = await run("terminal", "status", "--data", paperFolders[0] ?? "", "--json");
    expect(status.told["suite"]).toBe("paper-2018");
    const plain = await run("records", "export", modern.recording.id, ...data, "--out", out, "--json");
    expect(readFileSync(String(plain.told["headerPath"]), "utf8")).not.toContain("paper-2018");
  });

  it("may be a person's when it comes from a file: the suite takes it only when it is named as public test data", async () => {
    const file = join(paths.root, "export", `r${modern.recording.id}.hea`);
    const folder = paperFolders.at(-1) ?? "";
    const refused = await run("terminal", "record", "--data", folder, "--record", file, "--json");
    expect(refused.code).not.toBe(0);
    expect(refused.log).toContain("ERR_SUITE_REFUSED");
    const { recording } = await record(folder, "--record", file, "--public-test-data");
    expect(await samplesOf(recording)).toEqual(await samplesOf(modern.recording));
    const compressed = await run(
      "terminal",
      "record",
      "--data",
      folder,
      ...SYNTHETIC,
      "--codec",
      "lead-residual",
      "--json",
    );
    expect(compressed.log).toContain("ERR_SUITE_REFUSED");
  }, 60_000);

  it("is verified by MD5 of the block later on, and caught when the block is another", async () => {
    const [folder = ""] = paperFolders;
    const good = await run("factory", "verify", folder, "--data", paths.server, "--json");
    expect(good.told["failed"]).toBe(0);
    const other = paperFolders.at(-2) ?? "";
    for (const name of ["trsm.sealed", "trsm.paper", "trsm.authorisation"]) {
      copyFileSync(join(folder, name), join(other, name));
    }
    const caught = await run("factory", "verify", other, "--data", paths.server, "--json");
    expect(caught.told["failed"]).toBe(1);
  });
});

describe("the paper's key change", () => {
  it("goes through the gateway to a terminal that used its keys too slowly, and shows at both ends", async () => {
    const [folder = ""] = await deploy("key-change", "paper-2018", 1);
    const before = await run("terminal", "status", "--data", folder, "--json");
    expect(before.told["keyUse"]).toMatchObject({ maximum: USE_COUNT_MAX.standard, policyVersion: 0 });
    const serial = TerminalId.parse(String(before.told["serial"]));
    const atUnixMs = Date.now() - 10 * 24 * 3600 * 1000;
    store.markKeyUse(serial, { cycle: 0, index: 0, use: 0, usedCount: 0, atUnixMs });
    const offline = await run("terminal", "record", "--data", folder, ...SYNTHETIC, "--no-upload", "--json");
    expect(offline.code).toBe(0);
    const isDone = (): boolean => store.keyLife(serial).changes.some(({ state }) => state === "done");
    // The gateway keeps what the terminal says, and has the server's next word at the contact after it.
    for (let contact = 0; contact < 10 && !isDone(); contact += 1) {
      expect((await run("terminal", "upload", "--data", folder, "--json")).code).toBe(0);
    }
    const shown = await run("factory", "keys", serial, "--data", paths.server, "--json");
    expect(shown.told).toMatchObject({ version: 1, changes: [{ state: "done", code: null }], alarms: [] });
    const after = await run("terminal", "status", "--data", folder, "--json");
    expect(after.told["keyUse"]).toMatchObject({ maximum: shown.told["maximum"], policyVersion: 1 });
  }, 60_000);
});

describe("the guard", () => {
  it("does not deploy for a tenant that was not created synthetic", async () => {
    const real = store.addTenant("real", false, Date.now());
    const out = join(paths.root, "terminals", "real");
    const target = ["--target", stack.gatewayUrl, "--token", Buffer.from(systemRandom(24)).toString("base64url")];
    const args = ["--data", paths.server, "--out", out, "--tenant", real.id, "--suite", "paper-2018", ...target];
    const { code, log } = await run("factory", "deploy", ...args, "--json");
    expect(code).not.toBe(0);
    expect(log).toContain("ERR_SUITE_GUARD");
    expect(store.terminals(real.id)).toEqual([]);
  });
});
