/** Every record that can be carried comes back bit-exact; every other one is refused by name. */
import { ApiClient } from "@pericard/server";
import type { KeyStore } from "@pericard/custody";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDemoLink, demoPaths, openDemo, prepareTerminal } from "../src/demo/installation.ts";
import { carryRecord } from "../src/demo/once.ts";
import { openRecordFile } from "../src/demo/read-back.ts";
import { startStack, type Stack } from "../src/demo/stack.ts";
import { ECG_DATA, formatsOf, hasEcgData, headerPaths } from "./ecg-data.ts";

const CARRIED = new Set(["16", "212"]);

/** Most that may be sent, in percent of the raw bytes, at 10 s segments. */
const PERCENT_MAX: Readonly<Record<string, number>> = { twa01: 24, HR06000: 20, s0010_re: 35, "100": 30 };

function isCarried(path: string): boolean {
  const { segmented, formats } = formatsOf(path);
  return !segmented && formats.length > 0 && formats.every((format) => CARRIED.has(format));
}

const quiet = (): undefined => undefined;

describe.runIf(hasEcgData())("every record of the data folder", () => {
  const headers = hasEcgData() ? headerPaths() : [];
  const carried = headers.filter(isCarried);
  const refused = headers.filter((path) => !isCarried(path));
  const root = mkdtempSync(join(tmpdir(), "pericard-every-"));
  const paths = demoPaths(root);
  let stack: Stack;
  let store: KeyStore;
  let client: ApiClient;

  beforeAll(async () => {
    ({ store } = openDemo(paths));
    stack = await startStack({ paths, viewerPath: undefined, port: 0, onLog: () => undefined });
    prepareTerminal(paths, store, 1, stack.gatewayUrl);
    client = await ApiClient.signIn(stack.serverUrl, createDemoLink(store, 3600_000));
  }, 60_000);

  afterAll(async () => {
    await stack.stop();
    store.close();
    rmSync(root, { recursive: true, force: true });
  });

  it("finds records of both kinds", () => {
    expect(carried.length).toBeGreaterThanOrEqual(20);
    expect(refused.length).toBeGreaterThanOrEqual(10);
  });

  for (const path of carried) {
    it(`carries ${relative(ECG_DATA, path)}`, async () => {
      const report = await carryRecord({ paths, client, onProgress: quiet, onLog: quiet }, path);
      expect(report.identical).toBe(true);
      expect(report.samplesReadBack).toBe(report.samples);
      expect(report.receiptsVerified).toBe(report.segments);
      const percentMax = PERCENT_MAX[basename(path, ".hea")];
      if (percentMax !== undefined) expect((100 * report.sentBytes) / report.rawBytes).toBeLessThanOrEqual(percentMax);
    });
  }

  for (const path of refused) {
    it(`refuses ${relative(ECG_DATA, path)} by name`, async () => {
      await expect(openRecordFile(path)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_WFDB_(FORMAT|MULTI_SEGMENT)$/) as string,
      });
    });
  }
});
