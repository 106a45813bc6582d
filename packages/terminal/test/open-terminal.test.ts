/** The composition root: real disk, real clock, real HTTP, real processes. */
import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sealBlob, systemRandom } from "@pericard/crypto";
import { lockFolder, openDiskFolder } from "@pericard/framelog";
import { createSyntheticFile, openTerminal } from "@pericard/terminal";
import { readAuthorisation } from "../../trsm/src/module-folder.ts";
import { describe, expect, test } from "vitest";
import { fileSource, samplesOf } from "./support/array-source.ts";
import { NEVER, until } from "./support/bench.ts";
import { Installation, temporaryFolder } from "./support/deployed.ts";
import { serve, startHttp } from "./support/http-server.ts";
import { TestServer } from "./support/test-server.ts";

const installation = new Installation();

/** A deployed terminal on disk and its server over HTTP. */
async function deployed() {
  const server = new TestServer(installation);
  const http = await startHttp(serve(server));
  const path = temporaryFolder();
  installation.deploy(openDiskFolder(path), [{ url: http.url, token: "secret" }]);
  return { path, server, http };
}

test("records and uploads over HTTP, and leaves nothing in the journal", async () => {
  const { path, server, http } = await deployed();
  const terminal = openTerminal(path);
  const report = await terminal.record(fileSource(100_000), { signal: NEVER, upload: true });
  expect(report).toMatchObject({ pendingItems: 0, frameCount: 100_000 });
  expect(server.samplesOf(server.recordings[0] ?? "")).toEqual([0, 1].map((lead) => samplesOf(lead, 0, 100_000)));
  const status = terminal.status();
  expect(status).toMatchObject({ journal: { items: 0, bytes: 0 }, upload: { target: http.url, badMail: 0 } });
  expect(status.upload.sentBytes).toBe(http.requests.reduce((sum, { body }) => sum + body.length, 0));
  expect(JSON.parse(JSON.stringify(status))).toEqual(status);
  expect(readdirSync(path).filter((name) => name.startsWith("journal"))).toEqual([]);
  terminal.close();
});

test("goes on after the server was away", async () => {
  const { path, server, http } = await deployed();
  const terminal = openTerminal(path);
  await http.close();
  const recording = terminal.record(fileSource(5000), { signal: NEVER, upload: true });
  await until(() => terminal.status().journal.items === 6, "recorded");
  expect(terminal.status().upload.target).toBeNull();
  await http.reopen();
  await recording;
  expect(server.samplesOf(server.recordings[0] ?? "")[0]).toEqual(samplesOf(0, 0, 5000));
  terminal.close();
});

test("without a target recording works and uploading says so", async () => {
  const path = temporaryFolder();
  installation.deploy(openDiskFolder(path));
  const terminal = openTerminal(path);
  const both = terminal.record(fileSource(500), { signal: NEVER, upload: true });
  await expect(both).rejects.toMatchObject({ code: "ERR_UPLOAD_NO_TARGET" });
  expect(terminal.status().journal.items).toBe(0);
  await terminal.record(fileSource(500), { signal: NEVER, upload: false });
  await expect(terminal.upload({ signal: NEVER })).rejects.toMatchObject({ code: "ERR_UPLOAD_NO_TARGET" });
  terminal.close();
});

describe("one process for each folder", () => {
  test("a second opening is refused until the first is closed", async () => {
    const { path } = await deployed();
    const terminal = openTerminal(path);
    expect(() => openTerminal(path)).toThrow(expect.objectContaining({ code: "ERR_FOLDER_LOCKED" }));
    terminal.close();
    openTerminal(path).close();
  });

  test("a failed opening leaves no lock behind", async () => {
    const { path } = await deployed();
    expect(() => openTerminal(path, { segmentLengthMs: 1 })).toThrow(RangeError);
    openTerminal(path).close();
  });

  test("the lock of a killed process is gone", async () => {
    const path = temporaryFolder();
    const child = run(`const { lockFolder } = await import("@pericard/framelog");
      lockFolder(${JSON.stringify(path)}); console.log("locked"); setInterval(() => {}, 1000);`);
    await said(child, "locked");
    expect(() => lockFolder(path)).toThrow(expect.objectContaining({ code: "ERR_FOLDER_LOCKED" }));
    await kill(child);
    const lock = lockFolder(path);
    lock.release();
    lock.release();
  });
});

test("a recording that is killed again and again has every sample once", async () => {
  const { path, server } = await deployed();
  const frames = 500 * 1200;
  const program = `
    const { createSyntheticFile, openTerminal } = await import("@pericard/terminal");
    const terminal = openTerminal(${JSON.stringify(path)}, { segmentLengthMs: 2000 });
    terminal.onEvent((event) => { if (event.type === "segment") console.log("segment"); });
    await terminal.record(createSyntheticFile({ seed: 7 }, ${frames}), { signal: new AbortController().signal, upload: true });
    console.log("done");`;
  for (let kills = 0; kills < 4; kills += 1) {
    const child = run(program);
    await said(child, "segment");
    await new Promise((resolve) => setTimeout(resolve, 20 * kills));
    await kill(child);
  }
  const last = openTerminal(path, { segmentLengthMs: 2000 });
  await last.record(createSyntheticFile({ seed: 7 }, frames), { signal: NEVER, upload: true });
  last.close();
  expect(server.recordings).toHaveLength(1);
  const wanted: number[] = [];
  for await (const block of createSyntheticFile({ seed: 7 }, frames).blocks(0, NEVER)) {
    for (const value of block.leads[0] ?? []) wanted.push(value);
  }
  expect(server.samplesOf(server.recordings[0] ?? "")[0]).toEqual(wanted);
});

/** A deployed folder after `change`, and the code that opening it gives. */
async function codeAfter(change: (path: string) => void): Promise<unknown> {
  const { path } = await deployed();
  change(path);
  try {
    openTerminal(path).close();
    return "opened";
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
}

/** Seals an image of other bytes into the folder. */
const sealImage =
  (image: Uint8Array) =>
  (path: string): void => {
    const folder = openDiskFolder(path);
    folder.replace("trsm.sealed", sealBlob(readAuthorisation(folder), ["pericard/trsm-soft"], image, systemRandom));
  };

describe("a module that does not open", () => {
  test.each<{ name: string; code: string; change: (path: string) => void }>([
    { name: "image of 1,023 bytes", code: "ERR_TRSM_IMAGE_SIZE", change: sealImage(new Uint8Array(1023)) },
    { name: "image of 1,025 bytes", code: "ERR_TRSM_IMAGE_SIZE", change: sealImage(new Uint8Array(1025)) },
    { name: "wrong checksum", code: "ERR_TRSM_IMAGE_CHECKSUM", change: sealImage(new Uint8Array(1024).fill(1)) },
    { name: "no image", code: "ERR_TRSM_EMPTY", change: (path) => rmSync(join(path, "trsm.sealed")) },
    { name: "no counters", code: "ERR_TRSM_COUNTER", change: (path) => rmSync(join(path, "trsm.counters")) },
    {
      name: "no authorisation",
      code: "ERR_TRSM_AUTHORISATION",
      change: (path) => rmSync(join(path, "trsm.authorisation")),
    },
    {
      name: "malformed authorisation",
      code: "ERR_TRSM_AUTHORISATION",
      change: (path) => writeFileSync(join(path, "trsm.authorisation"), "secret\n"),
    },
    {
      name: "another authorisation",
      code: "ERR_TRSM_AUTHORISATION",
      change: (path) => writeFileSync(join(path, "trsm.authorisation"), `${"ab".repeat(32)}\n`),
    },
    { name: "no provision", code: "ERR_TRSM_PROVISION", change: (path) => rmSync(join(path, "terminal.json")) },
    {
      name: "damaged state",
      code: "ERR_TERMINAL_STATE",
      change: (path) => writeFileSync(join(path, "terminal.state"), "x"),
    },
  ])("$name: $code", async ({ code, change }) => {
    expect(await codeAfter(change)).toBe(code);
  });
});

test("nothing that the terminal writes is for others to read", async () => {
  const { path } = await deployed();
  const terminal = openTerminal(path);
  await terminal.record(fileSource(500), { signal: NEVER, upload: false });
  const journal = readdirSync(path).filter((name) => name.startsWith("journal"));
  expect(journal.length).toBeGreaterThan(0);
  for (const name of journal) expect(statSync(join(path, name)).mode & 0o077).toBe(0);
  terminal.close();
});

function run(program: string): ChildProcess {
  return spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      if (chunk.includes(text)) resolve();
    });
    child.on("exit", () => reject(new Error("child ended")));
  });
}

function kill(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners("exit");
    child.on("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
