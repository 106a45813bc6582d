/**
 * A factory and a server on two machines, each command a process of its own: a terminal that was deployed at the factory
 * uploads once its transfer was imported, and not before; what an attacker brings instead is refused.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "../src/crash/program.ts";

const root = mkdtempSync(join(tmpdir(), "pericard-sealed-"));
const passphraseFile = join(root, "passphrase");
const folder = (name: string): string => join(root, name);
let server: Program;
let url: string;
let token: string;

interface Ran {
  readonly code: number | null;
  /** The last JSON line of standard output. */
  readonly told: Record<string, unknown>;
  /** Code of the error, if it ended with one. */
  readonly error: string | undefined;
}

const started: Program[] = [];

function start(...args: readonly string[]): Program {
  const environment = { PERICARD_KEK_PASSPHRASE_FILE: passphraseFile };
  const program = new Program({ args: [...args, "--json"], environment });
  started.push(program);
  return program;
}

async function run(...args: readonly string[]): Promise<Ran> {
  const program = start(...args);
  const { code } = await program.ended;
  return { code, told: program.lines.at(-1) ?? {}, error: /ERR_[A-Z0-9_]+/.exec(program.log.join("\n"))?.[0] };
}

async function must(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, told, error } = await run(...args);
  expect([error, code]).toEqual([undefined, 0]);
  return told;
}

/** Makes an intake at a server and a factory of it. @returns the fingerprint of the factory. */
async function setUpFactory(name: string, at = "server"): Promise<string> {
  const file = folder(`${name}.intake`);
  const { pin } = await must("factory", "intake", "--data", folder(at), "--out", file);
  const { fingerprint } = await must("factory", "join", file, "--pin", String(pin), "--data", folder(name));
  return String(fingerprint);
}

/** Deploys terminals at a factory and exports them. @returns the file. */
async function deploy(name: string, count: number): Promise<string> {
  const out = folder(`${name}-terminals`);
  const target = ["--target", url, "--token", token];
  await must("factory", "deploy", "--data", folder(name), "--out", out, "--count", String(count), ...target);
  const { transfers } = await must("factory", "export", "--data", folder(name), "--out", folder("stick"));
  return (transfers as readonly { readonly file: string }[])[0]?.file ?? "";
}

const importAt = (at: string, file: string, ...more: readonly string[]): Promise<Ran> =>
  run("factory", "import", file, "--data", folder(at), ...more);

const listed = async (): Promise<readonly unknown[]> =>
  (await must("terminals", "list", "--data", folder("server")))["terminals"] as readonly unknown[];

async function startServer(name: string): Promise<Program> {
  const program = start("server", "--data", folder(name), "--port", "0");
  await program.ready;
  return program;
}

beforeAll(async () => {
  writeFileSync(passphraseFile, "a passphrase for tests\n");
  server = await startServer("server");
  url = String((await server.ready)["url"]);
  const settings = JSON.parse(readFileSync(join(folder("server"), "server.json"), "utf8")) as {
    readonly uploadClients: readonly { readonly token: string }[];
  };
  token = settings.uploadClients[0]?.token ?? "";
}, 60_000);

afterAll(async () => {
  await Promise.all(started.filter(({ running }) => running).map((program) => program.kill()));
  rmSync(root, { recursive: true, force: true });
});

describe("a factory on another machine", { timeout: 180_000 }, () => {
  let fingerprint: string;
  let file: string;

  it("believes an intake only with the pin of its server, and leaves nothing behind otherwise", async () => {
    fingerprint = await setUpFactory("factory");
    const wrong = ["factory", "join", folder("factory.intake"), "--pin", "0".repeat(32), "--data", folder("none")];
    expect(await run(...wrong)).toMatchObject({ code: 1, error: "ERR_INTAKE_UNTRUSTED" });
    expect(await run("factory", "init", "--data", folder("none"))).toMatchObject({ error: "ERR_NOT_INSTALLED" });
    expect(await run("server", "--data", folder("factory"))).toMatchObject({ error: "ERR_FACTORY_FOLDER" });
    const onServer = ["factory", "export", "--data", folder("server"), "--out", folder("stick")];
    expect(await run(...onServer)).toMatchObject({ error: "ERR_FACTORY_NOT_JOINED" });
  });

  it("refuses experiments of suite paper-2018", async () => {
    const args = ["--data", folder("factory"), "--out", folder("paper"), "--target", url, "--token", token];
    const { error } = await run("factory", "deploy", ...args, "--suite", "paper-2018");
    expect(error).toBe("ERR_TRANSFER_SUITE");
  });

  it("deploys a terminal whose uploads the server takes after the import, and not before", async () => {
    file = await deploy("factory", 2);
    const terminal = ["--data", join(folder("factory-terminals"), "terminal-1")];
    await must("terminal", "record", ...terminal, "--synthetic", "--hours", "0.01", "--no-upload");
    const tooEarly = start("terminal", "upload", ...terminal);
    await sleep(3000);
    expect([tooEarly.running, tooEarly.lines]).toEqual([true, []]);
    await tooEarly.kill();
    expect(await importAt("server", file)).toMatchObject({ code: 1, error: "ERR_FACTORY_UNKNOWN" });
    expect((await importAt("server", file, "--accept", fingerprint)).told).toMatchObject({ added: 2, known: 0 });
    const uploaded = await must("terminal", "upload", ...terminal);
    expect(uploaded).toMatchObject({ waiting: 0, quarantined: 0, rejected: 0 });
    expect(uploaded["receiptsVerified"]).toBeGreaterThan(0);
    expect(
      await must("factory", "verify", join(folder("factory-terminals"), "terminal-2"), "--data", folder("server")),
    ).toMatchObject({ failed: 0 });
  });

  it("is believed by its own server alone, once for each terminal", async () => {
    const before = await listed();
    expect(before).toHaveLength(2);
    expect((await importAt("server", file)).told).toMatchObject({ added: 0, known: 2 });
    const otherServer = await startServer("other-server");
    expect(await importAt("other-server", file, "--accept", fingerprint)).toMatchObject({
      error: "ERR_INTAKE_UNKNOWN",
    });
    await otherServer.kill();
    const bytes = readFileSync(file);
    for (const at of [0, 1, 40, 120, 400, 2000, bytes.length - 30, bytes.length - 1]) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      writeFileSync(folder("changed"), changed);
      const { code, error } = await importAt("server", folder("changed"));
      expect([code, error]).toEqual([1, expect.stringMatching(/^ERR_(?!INTERNAL)/)]);
    }
    writeFileSync(folder("changed"), bytes.subarray(0, bytes.length - 100));
    expect(await importAt("server", folder("changed"))).toMatchObject({ code: 1, error: "ERR_CBOR_MALFORMED" });
    expect(await listed()).toEqual(before);
  });

  it("is not another factory of the same server", async () => {
    const before = await listed();
    await setUpFactory("thief");
    const stolen = await deploy("thief", 1);
    expect(await importAt("server", stolen, "--accept", fingerprint)).toMatchObject({ error: "ERR_FACTORY_UNKNOWN" });
    expect(await listed()).toEqual(before);
    const { intakes } = await must("factory", "intakes", "--data", folder("server"));
    expect(intakes).toMatchObject([
      { factory: fingerprint, factoryNumber: 1 },
      { factory: null, factoryNumber: 2 },
    ]);
  });
});
