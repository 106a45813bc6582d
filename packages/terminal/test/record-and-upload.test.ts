import { systemRandom } from "@pericard/crypto";
import { Terminal } from "@pericard/terminal";
import { expect, test } from "vitest";
import { fileSource, samplesOf } from "./support/array-source.ts";
import { Installation } from "./support/deployed.ts";
import { TestClock } from "./support/test-clock.ts";
import { TestServer } from "./support/test-server.ts";
import { systemClock } from "@pericard/terminal";

const installation = new Installation();

test("a file is recorded and uploaded, every sample once", async () => {
  const server = new TestServer(installation);
  const folder = installation.deployInMemory();
  const terminal = new Terminal({
    folder,
    clock: systemClock,
    random: systemRandom,
    transport: () => server.transport(),
  });
  const report = await terminal.record(fileSource(5550), { signal: new AbortController().signal, upload: true });
  expect(report).toMatchObject({ segmentCount: 6, frameCount: 5550, pendingItems: 0, alreadyRecorded: false });
  const [recording = ""] = server.recordings;
  expect(server.samplesOf(recording)).toEqual([samplesOf(0, 0, 5550), samplesOf(1, 0, 5550)]);
  expect(terminal.status()).toMatchObject({ journal: { items: 0, bytes: 0 } });
});
