/** Changed, spliced, forged and replayed messages against a real server: none is taken, and it stays as it was. */
import { systemRandom } from "@pericard/crypto";
import { openDiskFolder } from "@pericard/framelog";
import { ApiClient } from "@pericard/server";
import { readProvision, writeProvision } from "@pericard/trsm";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { watchResources } from "../src/crash/resources.ts";
import { SEED } from "../src/crash/settings.ts";
import { createDemoLink, demoPaths, demoTokens, openDemo, prepareTerminal } from "../src/demo/installation.ts";
import { startServerChild } from "../src/demo/stack.ts";
import { describeWithPython, runPython } from "./support/python.ts";
import { tell } from "./support/tell.ts";

/** Messages and segments that are sent, `PERICARD_ATTACKS`; 20,000 unless given. */
const ATTACK_COUNT = Number(process.env["PERICARD_ATTACKS"] ?? 20_000);
/** What the server may need beyond what it needed when it was ready; measured: 36 MB. */
const GROWTH_MEGABYTES_MAX = 128;

/** What `attack.py` prints. */
interface Told {
  readonly kinds: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, number>>;
  readonly taken: number;
  readonly faults: readonly { readonly kind: string; readonly why: string }[];
}

describeWithPython("an attack with messages", () => {
  test(`takes nothing, seed ${SEED}`, async ({ onTestFinished }) => {
    const startedMs = performance.now();
    const paths = demoPaths(mkdtempSync(join(tmpdir(), "pericard-attack-")));
    onTestFinished(() => rmSync(paths.root, { recursive: true, force: true }));
    const { store } = openDemo(paths);
    onTestFinished(() => store.close());
    const server = await startServerChild({ paths, viewerPath: undefined, port: 0, onLog: () => undefined });
    onTestFinished(async () => {
      await server.stop();
    });
    const url = String(server.ready["url"]);
    const { gateway: token } = demoTokens(paths);
    for (const number of [1, 2, 3]) {
      prepareTerminal(paths, store, number, url);
      const folder = openDiskFolder(paths.terminal(number));
      writeProvision(folder, { ...readProvision(folder), targets: [{ url, token }] });
    }
    const peak = (): number => watchResources(server.process.pid ?? 0).stop().peakMegabytes;
    const atRest = peak();
    const folders = ["--folder", paths.terminal(1), "--other", paths.terminal(2)];
    const load = ["--count", String(ATTACK_COUNT), "--seed", String(SEED)];
    const { code, said } = await runPython<Told>("attack.py", [...folders, "--url", url, "--token", token, ...load]);
    const peakMegabytes = peak();
    expect(said.faults).toEqual([]);
    expect({ code, taken: said.taken }).toEqual({ code: 0, taken: 0 });
    expect(Object.values(said.kinds).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(ATTACK_COUNT);
    expect(Object.keys(said.answers).filter((answer) => answer.startsWith("5"))).toEqual([]);
    expect(peakMegabytes - atRest).toBeLessThan(GROWTH_MEGABYTES_MAX);
    const client = await ApiClient.signIn(url, createDemoLink(store, 3600_000));
    const patients = await client.patients();
    expect(patients.map(({ recordingCount }) => recordingCount).sort()).toEqual([0, 1, 1]);
    const samplesPath = join(paths.root, "after.i16");
    writeFileSync(samplesPath, systemRandom(20_000));
    const honest = ["--folder", paths.terminal(3), "--samples", samplesPath, "--lead", "I:mV:200:0"];
    expect(await runPython("terminal.py", honest)).toMatchObject({ code: 0, said: { pending: 0, rejected: [] } });
    tell("attack", { seed: SEED, ...said.kinds, answers: said.answers, atRest, peakMegabytes }, startedMs);
  });
});
