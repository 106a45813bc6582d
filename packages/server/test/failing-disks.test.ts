/** A whole server whose volumes come and go. */
import { ENVELOPE_BYTES_MAX, toHex, UPLOAD_PATH } from "@pericard/protocol";
import { renameSync } from "node:fs";
import { request, type ClientRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { everySample, readAll, readerOf } from "./support/reading.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation, UPLOAD_TOKEN } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;
let recording: TestRecording;

beforeAll(async () => {
  site = await new TestInstallation({ volumeCount: 3, bufferBytesMax: 32 * 1024 * 1024 }).start();
  terminal = site.terminalOf("somebody").terminal;
  recording = new TestRecording(terminal);
});
afterAll(() => site.remove());

const volume = (index: number): string => site.config.volumePaths[index] ?? "";

async function expectReceipts(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const { sealed, hash } = recording.next({ frameCount: 30 });
    expect((await site.post(terminal.envelope(sealed))).receipted).toEqual([toHex(hash)]);
  }
}

test("one of three volumes goes and comes back, then two go: receipts, then 503, and nothing is lost", async () => {
  await expectReceipts(4);
  renameSync(volume(2), `${volume(2)}.gone`);
  await expectReceipts(6);
  expect(site.server.context.control.state.channels.map(({ state }) => state)).toContain("down");
  renameSync(volume(1), `${volume(1)}.gone`);
  const waiting = recording.next({ frameCount: 30 });
  const first = site.post(terminal.envelope(waiting.sealed));
  await expect
    .poll(() => site.server.context.control.state.channels.filter(({ state }) => state === "down"))
    .toHaveLength(2);
  const refused = await site.post(terminal.envelope(waiting.sealed));
  expect([refused.status, refused.code]).toEqual([503, "ERR_STORE_UNAVAILABLE"]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  renameSync(`${volume(1)}.gone`, volume(1));
  renameSync(`${volume(2)}.gone`, volume(2));
  site.pass(5001);
  expect((await first).receipted).toEqual([toHex(waiting.hash)]);
  await expectReceipts(3);
  expect(await readAll(await readerOf(site), recording)).toEqual(everySample(recording));
});

test("bodies that are under way fill the buffer: the next gets 503 with Retry-After, and room when they are gone", async () => {
  const headers = { authorization: `Bearer ${UPLOAD_TOKEN}`, "content-length": ENVELOPE_BYTES_MAX };
  const open: ClientRequest[] = [];
  const begin = (): ClientRequest => {
    const sending = request(`${site.server.url}${UPLOAD_PATH}`, { method: "POST", headers });
    sending.on("error", () => undefined);
    sending.flushHeaders();
    open.push(sending);
    return sending;
  };
  begin();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const status = await new Promise((resolve) => {
    begin().on("response", (response) => resolve([response.statusCode, response.headers["retry-after"]]));
  });
  expect(status).toEqual([503, "2"]);
  const { sealed } = recording.next({ frameCount: 30 });
  const small = await site.post(terminal.envelope(sealed));
  expect(small.receipts).toHaveLength(1);
  for (const sending of open.splice(0)) sending.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const large = new Uint8Array(ENVELOPE_BYTES_MAX);
  expect((await site.post(large)).status).toBe(400);
});
