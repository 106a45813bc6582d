/** Every command on an installation whose key store is in PostgreSQL, each a process of its own. */
import { defaultSettings, writeSettings } from "@pericard/server";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeServices } from "../../server/test/support/services.ts";
import { TestDatabase } from "../../server/test/support/test-database.ts";
import { Program } from "../src/crash/program.ts";

const TOKEN = "token-of-the-terminals";
const root = mkdtempSync(join(tmpdir(), "pericard-keys-"));
const folder = (name: string): string => join(root, name);
const passphraseFile = folder("passphrase");
const started: Program[] = [];

function start(...args: readonly string[]): Program {
  const program = new Program({
    args: [...args, "--json"],
    environment: { PERICARD_KEK_PASSPHRASE_FILE: passphraseFile },
  });
  started.push(program);
  return program;
}

async function told(...args: readonly string[]): Promise<Record<string, unknown>> {
  const program = start(...args);
  await program.success();
  return program.lines.at(-1) ?? {};
}

async function refusal(...args: readonly string[]): Promise<string | undefined> {
  const program = start(...args);
  expect((await program.ended).code).not.toBe(0);
  return /ERR_[A-Z0-9_]+/.exec(program.log.join("\n"))?.[0];
}

describeServices(["postgresql"], "an installation with its key store in PostgreSQL", ({ postgresql }) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.make(postgresql);
    writeFileSync(passphraseFile, "a passphrase\n");
  });
  afterAll(async () => {
    await Promise.all(started.filter(({ running }) => running).map((program) => program.kill()));
    await database.remove();
    rmSync(root, { recursive: true, force: true });
  });

  function prepare(name: string): readonly string[] {
    mkdirSync(folder(name));
    const settings = defaultSettings([{ name: "terminals", token: TOKEN }]);
    writeSettings(folder(name), { ...settings, keyStore: database.config() });
    return ["server", "--data", folder(name), "--port", "0", "--viewer", "none", "--log-level", "warn"];
  }

  test("is set up, serves, and knows patients, terminals, keys and accounts", async () => {
    const server = start(...prepare("first"));
    const { url } = await server.ready;
    expect(existsSync(join(folder("first"), "keys", "kek.sealed"))).toBe(true);
    expect(existsSync(join(folder("first"), "volumes", "volume-1", "keys"))).toBe(false);
    const data = ["--data", folder("first")];
    await told("factory", "init", ...data, "--terminals", "10");
    const target = ["--target", String(url), "--token", TOKEN];
    await told("factory", "deploy", ...data, "--out", folder("terminals"), "--count", "1", ...target);
    const { terminals } = await told("terminals", "list", ...data);
    const [terminal] = terminals as readonly { readonly serial: string; readonly state: string }[];
    expect(terminal?.state).toBe("active");
    const patient = await told("patients", "add", "Ada", ...data);
    await told(
      "terminals",
      "assign",
      terminal?.serial ?? "",
      "--patient",
      String(patient["id"]),
      "--reason",
      "test",
      ...data,
    );
    const own = folder("terminals");
    await told("terminal", "record", "--data", own, "--synthetic", "--hours", "0.005");
    expect(await told("terminal", "status", "--data", own)).toMatchObject({ journal: { items: 0, quarantined: 0 } });
    await told("sign-in", ...data, "--account", "clinician");
    const rootKey = [
      "--root-file",
      join(`${folder("first")}.root`, "root-key.sealed"),
      "--root-passphrase-file",
      passphraseFile,
    ];
    await told("keys", "rotate", "hpke", ...data, ...rootKey);
    expect((await told("keys", "list", ...data))["keys"]).toHaveLength(3);
    await server.stop();
  });

  test("is opened by a second server once that has the file of the key-encryption key", async () => {
    const args = prepare("second");
    expect(await refusal(...args)).toBe("ERR_KEYSTORE_MISSING");
    cpSync(join(folder("first"), "keys"), join(folder("second"), "keys"), { recursive: true });
    const server = start(...args);
    await server.ready;
    const { patients } = await told("patients", "list", "--data", folder("second"));
    expect(patients).toMatchObject([{ name: "Ada" }]);
    await server.stop();
  });

  test("has its key-encryption key changed", async () => {
    const next = folder("next");
    writeFileSync(next, "another\n");
    const data = ["--data", folder("first")];
    await told("keys", "rotate-kek", ...data, "--new-passphrase-file", next);
    expect(await refusal("patients", "list", ...data)).toBe("ERR_KEK_PASSPHRASE");
    expect((await told("patients", "list", ...data, "--passphrase-file", next))["patients"]).toHaveLength(1);
  });

  test("is never made beside a key store that lies on the volumes", async () => {
    const data = folder("third");
    const plain = start("server", "--data", data, "--port", "0", "--viewer", "none", "--log-level", "warn");
    await plain.ready;
    await plain.stop();
    const empty = await TestDatabase.make(postgresql);
    const settings = defaultSettings([{ name: "terminals", token: TOKEN }]);
    writeSettings(data, { ...settings, keyStore: empty.config() });
    expect(await refusal("server", "--data", data, "--port", "0")).toBe("ERR_KEYSTORE_ELSEWHERE");
    await empty.remove();
  });
});
