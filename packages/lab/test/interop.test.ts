/** A terminal that shares no code with this project, written from docs/format.md and vectors/ alone. Source: docs/interop.md. */
import { ed25519Private, keyIdOf, signMessage, systemRandom } from "@pericard/crypto";
import type { KeyStore } from "@pericard/custody";
import { openDiskFolder } from "@pericard/framelog";
import { encodeMail, fromHex, KeyId, Receipt } from "@pericard/protocol";
import { ApiClient } from "@pericard/server";
import { readProvision, writeProvision, type UploadTarget } from "@pericard/trsm";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startChild } from "../src/demo/child.ts";
import { createDemoLink, demoPaths, demoTokens, openDemo, prepareTerminal } from "../src/demo/installation.ts";
import { startStack, type Stack } from "../src/demo/stack.ts";
import { describeWithPython, runPython, type PythonRun } from "./support/python.ts";

const VECTORS = fileURLToPath(new URL("../../../vectors", import.meta.url));
const RATE_HZ = 360;
const LEADS = ["MLII:mV:200:1024", "V5:mV:1.052e+02:-7"];
const FRAME_COUNT = 25 * RATE_HZ + 11;
/** Ten seconds each. */
const SEGMENT_COUNT = 3;

/** What `terminal.py` prints. */
interface Told {
  readonly recording: string;
  readonly h: readonly string[];
  readonly answers: readonly number[];
  readonly receipted: readonly string[];
  readonly copies: number;
  readonly conflicts: readonly { readonly recording: string; readonly cause: string; readonly anew: string }[];
  readonly rejected: readonly { readonly h: string; readonly code: string }[];
  readonly ignoredMail: number;
  readonly pending: number;
  readonly quarantined: number;
  readonly notDelivered?: string;
}

/** Samples of two leads that use the whole range of 16 bits now and then. */
function makeSamples(seed: number): readonly Int32Array[] {
  return LEADS.map((_, lead) =>
    Int32Array.from({ length: FRAME_COUNT }, (_unused, i) => {
      const wave = Math.round(900 * Math.sin((i * (lead + 1)) / 40) + ((i * seed) % 13));
      return i % 997 === seed ? (-1) ** i * 32_767 : wave;
    }),
  );
}

function writeSamples(path: string, leads: readonly Int32Array[]): void {
  const interleaved = new Int16Array(FRAME_COUNT * leads.length);
  for (const [lead, samples] of leads.entries()) {
    for (const [i, sample] of samples.entries()) interleaved[i * leads.length + lead] = sample;
  }
  writeFileSync(path, interleaved);
}

/** Sends a terminal to other targets. */
function leadTo(folder: string, targets: readonly UploadTarget[]): void {
  const files = openDiskFolder(folder);
  writeProvision(files, { ...readProvision(files), targets });
}

function upload(folder: string): Promise<PythonRun<Told>> {
  return runPython<Told>("terminal.py", ["--folder", folder]);
}

function record(folder: string, samplesPath: string, ...more: readonly string[]): Promise<PythonRun<Told>> {
  const leads = LEADS.flatMap((lead) => ["--lead", lead]);
  const source = ["--samples", samplesPath, "--rate", String(RATE_HZ), ...leads];
  return runPython<Told>("terminal.py", ["--folder", folder, ...source, ...more]);
}

const plain = (leads: readonly Int32Array[]): readonly (readonly number[])[] => leads.map((lead) => [...lead]);

describeWithPython("a terminal in Python", () => {
  const root = mkdtempSync(join(tmpdir(), "pericard-interop-"));
  const paths = demoPaths(root);
  const first = makeSamples(1);
  const second = makeSamples(2);
  const [firstFile, secondFile] = [join(root, "first.i16"), join(root, "second.i16")];
  let stack: Stack;
  let store: KeyStore;
  let client: ApiClient;

  beforeAll(async () => {
    writeSamples(firstFile, first);
    writeSamples(secondFile, second);
    ({ store } = openDemo(paths));
    stack = await startStack({ paths, viewerPath: undefined, port: 0, onLog: () => undefined });
    client = await ApiClient.signIn(stack.serverUrl, createDemoLink(store, 3600_000));
  }, 60_000);

  afterAll(async () => {
    await stack.stop();
    store.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** Deploys a terminal. @returns its folder. */
  function deploy(number: number, url: string = stack.gatewayUrl): string {
    prepareTerminal(paths, store, number, url);
    return paths.terminal(number);
  }

  /** All samples of a recording, lead after lead. */
  async function readAll(id: string): Promise<readonly (readonly number[])[]> {
    const leads: number[][] = LEADS.map(() => []);
    for await (const answer of client.allSamples(await client.recording(id))) {
      for (const [i, lead] of answer.leads.entries()) leads[i]?.push(...lead);
    }
    return leads;
  }

  it("accepts and refuses every vector as it should", async () => {
    const { code, said } = await runPython<{ cases: Record<string, number>; faults: readonly string[] }>(
      "terminal.py",
      ["--vectors", VECTORS],
    );
    expect(said.faults).toEqual([]);
    expect(code).toBe(0);
    expect(Object.keys(said.cases)).toHaveLength(14);
    expect(Object.values(said.cases).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(740);
  });

  it("uploads through a gateway, verifies the receipt, and every sample is there", async () => {
    const { code, said } = await record(deploy(1), firstFile);
    expect(said).toMatchObject({ copies: 2, conflicts: [], rejected: [], ignoredMail: 0, pending: 0, quarantined: 0 });
    expect(code).toBe(0);
    expect(said.h).toHaveLength(SEGMENT_COUNT);
    expect([...said.receipted].sort()).toEqual([...said.h].sort());
    expect(said.answers).toContain(202);
    const { frameCount, frameRateHz, leads, segmentCount, state, gaps } = await client.recording(said.recording);
    expect({ frameCount, segmentCount, state, gaps }).toEqual({
      frameCount: FRAME_COUNT,
      segmentCount: SEGMENT_COUNT,
      state: "complete",
      gaps: [],
    });
    expect(frameRateHz).toEqual({ num: RATE_HZ, den: 1 });
    expect(leads.map(({ name, gainAduPerUnit, baselineAdu }) => `${name}:mV:${gainAduPerUnit}:${baselineAdu}`)).toEqual(
      LEADS,
    );
    expect(await readAll(said.recording)).toEqual(plain(first));
  });

  it("uploads straight to the server", async () => {
    const folder = deploy(2);
    leadTo(folder, [{ url: stack.serverUrl, token: demoTokens(paths).gateway }]);
    const { code, said } = await record(folder, secondFile);
    expect({ code, pending: said.pending, receipts: said.receipted.length }).toEqual({
      code: 0,
      pending: 0,
      receipts: SEGMENT_COUNT,
    });
    expect(said.answers).toEqual([200, 200]);
    expect(await readAll(said.recording)).toEqual(plain(second));
  });

  it("takes a folder over from this project's terminal, and gives it back", async () => {
    const folder = deploy(3);
    const recordSynthetic = async (): Promise<Record<string, unknown>> => {
      const args = ["terminal", "record", "--data", folder, "--synthetic", "--hours", "0.01", "--json"];
      const terminal = await startChild({ args, onLog: () => undefined });
      expect(await terminal.ended).toBe(0);
      return terminal.lines.at(-1) ?? {};
    };
    const before = String((await recordSynthetic())["recording"]);
    const { said } = await record(folder, firstFile);
    expect(said).toMatchObject({ pending: 0, conflicts: [], rejected: [] });
    const after = String((await recordSynthetic())["recording"]);
    expect((await client.recording(said.recording)).predecessor).toEqual({ recordingId: before, cause: "start" });
    expect((await client.recording(after)).predecessor).toMatchObject({ recordingId: said.recording });
    expect(await readAll(said.recording)).toEqual(plain(first));
  });

  it("keeps its samples and says so when the server has others at that place", async () => {
    const folder = deploy(4);
    const { said: whole } = await record(folder, firstFile);
    const { code, said } = await record(folder, secondFile, "--recording", whole.recording);
    expect(code).toBe(0);
    expect(said.conflicts.map(({ recording, cause }) => ({ recording, cause }))).toEqual(
      Array.from({ length: SEGMENT_COUNT }, () => ({ recording: whole.recording, cause: "sequence" })),
    );
    expect(said).toMatchObject({ pending: 0, quarantined: 0, rejected: [] });
    expect(await readAll(whole.recording)).toEqual(plain(first));
    const parts = await Promise.all(said.conflicts.map(({ anew }) => readAll(anew)));
    expect(LEADS.map((_, lead) => parts.flatMap((part) => part[lead]))).toEqual(plain(second));
  });

  it("sets a refused segment aside, says why, and goes on", async () => {
    const folder = deploy(5);
    const { said: refused } = await record(folder, firstFile, "--codec", "no-such-codec");
    expect(refused.rejected).toEqual(refused.h.map((h) => ({ h, code: "ERR_CODEC_UNKNOWN" })));
    expect(refused).toMatchObject({ pending: 0, quarantined: SEGMENT_COUNT });
    const { said } = await record(folder, secondFile);
    expect(said).toMatchObject({ pending: 0, quarantined: SEGMENT_COUNT, rejected: [] });
    expect(said.receipted).toEqual(said.h);
    expect(await readAll(said.recording)).toEqual(plain(second));
  });

  it("believes no receipt that another key signed, and nothing that is not mail", async () => {
    const folder = deploy(6);
    const { routing } = readProvision(openDiskFolder(folder));
    const [receiptKey] = store.serverKeys("receipt");
    const kid = KeyId.toBytes(keyIdOf(receiptKey?.publicBytes ?? new Uint8Array(0)));
    let answer: Uint8Array = new TextEncoder().encode("<html>welcome</html>");
    const liar = await listen(() => answer);
    leadTo(folder, [{ url: urlOf(liar), token: "any" }]);
    const { code, said } = await record(folder, firstFile);
    expect({ code, pending: said.pending }).toEqual({ code: 3, pending: SEGMENT_COUNT });
    expect(said.notDelivered).toContain("ERR_CBOR_MALFORMED");
    const hashes = said.h.map((h) => fromHex(h));
    const payload = Receipt.encode({ routing, receivedAtUnixMs: 1, copyCount: 2, hashes });
    const forged = signMessage(ed25519Private(systemRandom(32)), "pericard/receipt", kid, payload);
    answer = encodeMail([forged, new Uint8Array(3)]);
    const { said: lied } = await upload(folder);
    expect(lied.ignoredMail).toBeGreaterThanOrEqual(4);
    expect(lied).toMatchObject({ receipted: [], pending: SEGMENT_COUNT });
    await new Promise((resolve) => liar.close(resolve));
    leadTo(folder, [{ url: stack.gatewayUrl, token: demoTokens(paths).terminals }]);
    const { said: honest } = await upload(folder);
    expect([...honest.receipted].sort()).toEqual([...said.h].sort());
    expect(await readAll(said.recording)).toEqual(plain(first));
  });
});

/** A server that answers every request with 200 and these bytes. */
function listen(answer: () => Uint8Array): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.setHeader("content-type", "application/cbor").end(answer()));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
