/**
 * Reverse output from end to end, each command a process of its own: what a terminal gets back is what it recorded, through
 * two gateways that hold no key and straight from the server, and it goes on where it was stopped.
 */
import { decodeMail, parseSigned, TerminalId } from "@pericard/protocol";
import type { KeyStore } from "@pericard/custody";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "../src/crash/program.ts";
import { demoPaths, demoTokens, openDemo } from "../src/demo/installation.ts";
import { startStack, type Stack } from "../src/demo/stack.ts";

const paths = demoPaths(mkdtempSync(join(tmpdir(), "pericard-fetch-")));
const folder = (name: string): string => join(paths.root, name);
let store: KeyStore;
let stack: Stack;
let router: Program;
let routerUrl: string;
const routerToken = "token-of-terminals-at-the-router";

function start(...args: readonly string[]): Program {
  return new Program({ args, environment: { PERICARD_KEK_PASSPHRASE_FILE: paths.passphraseFile } });
}

interface Ran {
  readonly code: number | null;
  /** The last JSON line. */
  readonly told: Record<string, unknown>;
  /** Code of the error, if it ended with one. */
  readonly error: string | undefined;
}

async function run(...args: readonly string[]): Promise<Ran> {
  const program = start(...args, "--json");
  const { code } = await program.ended;
  return { code, told: program.lines.at(-1) ?? {}, error: /ERR_[A-Z0-9_]+/.exec(program.log.join("\n"))?.[0] };
}

async function must(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, told, error } = await run(...args);
  expect([error, code]).toEqual([undefined, 0]);
  return told;
}

beforeAll(async () => {
  ({ store } = openDemo(paths));
  stack = await startStack({ paths, viewerPath: undefined, port: 0, onLog: () => undefined });
  const config = {
    host: "127.0.0.1",
    port: 0,
    folderPath: folder("router"),
    clients: [{ name: "terminals", token: routerToken }],
    upstreams: [{ url: stack.gatewayUrl, token: demoTokens(paths).terminals }],
  };
  writeFileSync(folder("router.json"), JSON.stringify(config));
  router = start("gateway", "--config", folder("router.json"), "--log-level", "error", "--json");
  routerUrl = String((await router.ready)["url"]);
}, 60_000);

afterAll(async () => {
  try {
    await router.kill();
    await stack.stop();
    store.close();
  } finally {
    rmSync(paths.root, { recursive: true, force: true });
  }
});

interface Deployed {
  readonly serial: TerminalId;
  readonly folder: string;
}

function assignPatient(serial: TerminalId, name: string): void {
  const terminal = store.getTerminal(serial);
  const patient = store.addPatient(terminal.tenant, name, Date.now());
  store.assign(serial, patient.id, Date.now(), "test");
}

/** A terminal with a patient of its own, whose messages go to an address. */
async function deploy(name: string, url: string, token: string): Promise<Deployed> {
  const out = folder(name);
  const target = ["--target", url, "--token", token];
  const told = await must("factory", "deploy", "--data", paths.server, "--out", out, ...target);
  const [one] = told["terminals"] as readonly { readonly serial: string; readonly folder: string }[];
  const serial = TerminalId.parse(one?.serial ?? "");
  assignPatient(serial, `patient of ${name}`);
  return { serial, folder: one?.folder ?? "" };
}

const viaGateways = (name: string): Promise<Deployed> => deploy(name, routerUrl, routerToken);

/** Records a synthetic stream and uploads it. @returns the recording's id. */
async function record(terminal: Deployed, hours: string, seed = "7"): Promise<string> {
  const source = ["--synthetic", "--seed", seed, "--hours", hours];
  const told = await must("terminal", "record", "--data", terminal.folder, ...source);
  expect(told).toMatchObject({ waiting: 0, quarantined: 0 });
  return String(told["recording"]);
}

const fetchBack = (terminal: Deployed, ...more: readonly string[]): Promise<Ran> =>
  run("terminal", "fetch-back", "--data", terminal.folder, ...more);

/** Signal file of a recording as a clinician's export has it. */
async function exported(recording: string): Promise<Buffer> {
  const out = folder(`export-${recording}`);
  await must("records", "export", recording, "--data", paths.server, "--server", stack.serverUrl, "--out", out);
  return readFileSync(join(out, `r${recording}.dat`));
}

describe("a terminal", { timeout: 180_000 }, () => {
  it("gets its recordings back through two gateways, as they were recorded", async () => {
    const terminal = await viaGateways("far");
    const recordings = [await record(terminal, "0.02"), await record(terminal, "0.01", "8")];
    const listed = (await fetchBack(terminal)).told["streams"] as readonly { recording: string; stream: number }[];
    expect(listed.map(({ recording, stream }) => [recording, stream]).toSorted()).toEqual(
      recordings.map((recording) => [recording, 0]).toSorted(),
    );
    const out = folder("far-back");
    const { told, error } = await fetchBack(terminal, "--out", out);
    expect(error).toBeUndefined();
    expect(told["fetched"]).toHaveLength(2);
    for (const recording of recordings) {
      expect(readFileSync(join(out, `r${recording}.dat`)).equals(await exported(recording))).toBe(true);
      expect(readFileSync(join(out, `r${recording}.hea`), "utf8")).toContain("12 500 ");
    }
    expect(readdirSync(out).toSorted()).toEqual(recordings.flatMap((id) => [`r${id}.dat`, `r${id}.hea`]).toSorted());
  });

  it("gets them straight from the server too, also as JSON", async () => {
    const terminal = await deploy("near", stack.serverUrl, demoTokens(paths).gateway);
    const recording = await record(terminal, "0.01");
    const { told } = await fetchBack(
      terminal,
      "--out",
      folder("near-back"),
      "--format",
      "json",
      "--recording",
      recording,
    );
    expect(told["fetched"]).toMatchObject([{ recording, stream: 0, missing: 0 }]);
    const lines = readFileSync(join(folder("near-back"), `r${recording}.jsonl`), "utf8")
      .trim()
      .split("\n");
    const segments = lines.map((line) => JSON.parse(line) as { sequence: number; leads: readonly number[][] });
    expect(segments.map(({ sequence }) => sequence)).toEqual(segments.map((_, i) => i));
    const signal = new Int16Array((await exported(recording)).buffer);
    const frames = segments.flatMap(({ leads }) => (leads[0] ?? []).map((_, at) => leads.map((lead) => lead[at])));
    expect(frames.flat()).toEqual([...signal]);
  });

  it("goes on where it was stopped", async () => {
    const terminal = await viaGateways("stopped");
    const recording = await record(terminal, "0.8");
    const out = folder("stopped-back");
    const part = join(out, `.r${recording}.part`, "fetched-00000000.cbor");
    const first = start("terminal", "fetch-back", "--data", terminal.folder, "--out", out, "--json");
    while (first.running && !(existsSync(part) && statSync(part).size > 400_000)) await sleep(5);
    await first.kill();
    expect(first.lines).toEqual([]);
    const keptBytes = statSync(part).size;
    const { told } = await fetchBack(terminal, "--out", out);
    const [fetched] = told["fetched"] as readonly { readonly resumedAfter: number; readonly segments: number }[];
    expect(fetched).toMatchObject({ recording, segments: 289, missing: 0 });
    expect(fetched?.resumedAfter).toBeGreaterThan(10);
    expect(fetched?.resumedAfter).toBeLessThan(289);
    expect(keptBytes).toBeGreaterThan(400_000);
    expect(readFileSync(join(out, `r${recording}.dat`)).equals(await exported(recording))).toBe(true);
    expect(existsSync(part)).toBe(false);
  });

  it("gets nothing of an earlier assignment, and nothing when it is nobody's", async () => {
    const terminal = await viaGateways("moved");
    await record(terminal, "0.01");
    assignPatient(terminal.serial, "the next one");
    expect((await fetchBack(terminal)).told).toEqual({ streams: [] });
    store.assign(terminal.serial, null, Date.now(), "test");
    expect(await fetchBack(terminal)).toMatchObject({ code: 1, error: "ERR_FETCH_REFUSED" });
  });
});

/** A path to the server that keeps what passes, and may answer with something that passed before. */
class Tap {
  readonly requests: Uint8Array[] = [];
  readonly answers: Buffer[] = [];
  /** The answer in place of the server's. */
  twist: (answer: Buffer, request: Uint8Array) => Buffer = (answer) => answer;
  readonly #server: Server;

  constructor(targetUrl: string) {
    this.#server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const body = Buffer.concat(chunks);
        this.requests.push(body);
        const { method, headers, url = "" } = incoming;
        const forward = request(new URL(url, targetUrl), { method, headers }, (response) => {
          const parts: Buffer[] = [];
          response.on("data", (part: Buffer) => parts.push(part));
          response.on("end", () => {
            const answer = Buffer.concat(parts);
            this.answers.push(answer);
            const given = response.statusCode === 200 ? this.twist(answer, body) : answer;
            outgoing.writeHead(response.statusCode ?? 500, { "content-type": response.headers["content-type"] });
            outgoing.end(given);
          });
        });
        forward.on("error", () => outgoing.destroy());
        forward.end(body);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const typeOf = (message: Uint8Array): string => parseSigned(message).type;
const isPage = (answer: Buffer): boolean =>
  decodeMail(answer).some((message) => typeOf(message) === "pericard/returned");

describe("somebody on the path", { timeout: 180_000 }, () => {
  it("gets no second answer for a request, and cannot make a terminal take another page", async () => {
    const tap = new Tap(stack.serverUrl);
    try {
      const url = await tap.listen();
      const token = demoTokens(paths).gateway;
      const terminal = await deploy("tapped", url, token);
      const recording = await record(terminal, "0.01");
      tap.requests.length = 0;
      const { told } = await fetchBack(terminal, "--out", folder("tapped-back"));
      expect(told["fetched"]).toMatchObject([{ recording }]);
      const asked = tap.requests.filter((message) => typeOf(message) === "pericard/fetch-back");
      expect(asked.length).toBeGreaterThanOrEqual(3);
      for (const again of asked.slice(1)) {
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/cose" };
        const response = await fetch(`${stack.serverUrl}/v1/messages`, {
          method: "POST",
          headers,
          body: new Uint8Array(again),
        });
        expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
          409,
          "ERR_FETCH_REPLAYED",
        ]);
      }
      // The first time, an old page in place of the right one; then one of another terminal; then the right one.
      const old = tap.answers.findLast((answer) => isPage(answer)) ?? Buffer.alloc(0);
      const instead = [old, flipped(old)];
      tap.twist = (answer) => (isPage(answer) ? (instead.shift() ?? answer) : answer);
      const back = await fetchBack(terminal, "--out", folder("tapped-again"));
      expect(back.error).toBeUndefined();
      expect(instead).toEqual([]);
      expect(readFileSync(join(folder("tapped-again"), `r${recording}.dat`)).equals(await exported(recording))).toBe(
        true,
      );
    } finally {
      tap.close();
    }
  });
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[200] = (copy[200] ?? 0) ^ 1;
  return copy;
}
