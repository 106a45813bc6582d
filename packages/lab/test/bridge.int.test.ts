/**
 * From a sensor to the clinician: mosquitto_pub, a site's own broker, the bridge, gateway, server, API. Processes and another
 * implementation of MQTT.
 */
import type { KeyStore } from "@pericard/custody";
import { openDiskFolder } from "@pericard/framelog";
import { ApiClient, type DescribedObservation } from "@pericard/server";
import { readProvision } from "@pericard/trsm";
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pericardCommand, startChild, type Child } from "../src/demo/child.ts";
import { createDemoLink, demoPaths, openDemo, prepareTerminal, type DemoPaths } from "../src/demo/installation.ts";
import { startStack, type Stack } from "../src/demo/stack.ts";

const REMEDY = "apt-get install -y --no-install-recommends mosquitto mosquitto-clients";
const MOSQUITTO = spawnSync("sh", ["-c", "PATH=$PATH:/usr/sbin command -v mosquitto"]).stdout.toString().trim();
const isThere = MOSQUITTO !== "" && spawnSync("mosquitto_pub", ["--version"]).error === undefined;
const SOON = { timeout: 60_000, interval: 200 };

/** The site's own broker, which keeps what it has over a restart. */
class SiteBroker {
  readonly #folder: string;
  readonly port: number;
  #process: ChildProcess | undefined;

  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  async start(): Promise<void> {
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      "allow_anonymous true",
      "persistence true",
      "autosave_interval 1",
      "autosave_on_changes true",
      `persistence_location ${this.#folder}/`,
      ...(process.getuid?.() === 0 ? ["user root"] : []),
    ];
    writeFileSync(join(this.#folder, "mosquitto.conf"), `${lines.join("\n")}\n`);
    this.#process = spawn(MOSQUITTO, ["-c", join(this.#folder, "mosquitto.conf")], { stdio: "ignore" });
    while (!(await answers(this.port))) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process?.once("exit", resolve));
    this.#process?.kill("SIGTERM");
    await ended;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Publishes one message: the exit code, 0 when it was acknowledged. */
async function publish(port: number, topic: string, text: string): Promise<number> {
  const args = ["-V", "mqttv311", "-h", "127.0.0.1", "-p", String(port), "-q", "1", "-t", topic, "-m", text];
  return promisify(execFile)("mosquitto_pub", args, { timeout: 30_000 }).then(
    () => 0,
    (error: { readonly code?: number }) => error.code ?? -1,
  );
}

function startBridge(folder: string, ...ways: readonly string[]): Promise<Child> {
  const args = ["terminal", "bridge", "--data", folder, "--segment-seconds", "1", "--json", ...ways];
  return startChild({ args, onLog: () => undefined });
}

test.skipIf(isThere || process.env["CI"] !== "true")(`needs mosquitto (${REMEDY})`, () => {
  throw new Error(REMEDY);
});

describe.skipIf(!isThere)(`a site with its own broker (${REMEDY})`, () => {
  const root = mkdtempSync(join(tmpdir(), "pericard-bridge-"));
  const paths: DemoPaths = demoPaths(root);
  const mapping = join(root, "mapping.json");
  let store: KeyStore;
  let stack: Stack;
  let client: ApiClient;
  let broker: SiteBroker;

  beforeAll(async () => {
    ({ store } = await openDemo(paths));
    stack = await startStack({ paths, viewerPath: undefined, port: 0, onLog: () => undefined });
    client = await ApiClient.signIn(stack.serverUrl, createDemoLink(store, 600_000));
    broker = new SiteBroker(root, await freePort());
    await broker.start();
    const rule = {
      topic: "zigbee2mqtt/+",
      device: { level: 2 },
      values: [{ pointer: "/temperature", code: "8310-5", unit: "Cel" }],
    };
    writeFileSync(mapping, JSON.stringify({ format: "pericard/bridge-mapping", version: 1, mappings: [rule] }));
  });

  afterAll(async () => {
    await broker.stop();
    await stack.stop();
    store.close();
    rmSync(root, { recursive: true, force: true });
  });

  const fromBroker = (): readonly string[] => [
    "--broker",
    `mqtt://127.0.0.1:${broker.port}`,
    ...["zigbee2mqtt/#", "pericard/observations"].flatMap((topic) => ["--topic", topic]),
    "--mapping",
    mapping,
  ];

  /** Deploys a terminal of a patient of its own. */
  function deploy(number: number): { readonly folder: string; readonly patient: string } {
    prepareTerminal(paths, store, number, stack.gatewayUrl);
    const folder = paths.terminal(number);
    const [assignment] = store.assignments(readProvision(openDiskFolder(folder)).serial);
    return { folder, patient: assignment?.patient ?? "" };
  }

  async function observed(patient: string): Promise<readonly DescribedObservation[]> {
    const found: DescribedObservation[] = [];
    for await (const page of client.allObservations(patient)) found.push(...page.observations);
    return found;
  }

  const valuesOf = async (patient: string): Promise<readonly (string | undefined)[]> =>
    (await observed(patient)).map(({ components: [one] }) => one?.value).toReversed();

  test("is heard to the last digit, also of what came while the bridge or the broker was down", async () => {
    const { folder, patient } = deploy(1);
    let bridge = await startBridge(folder, ...fromBroker());
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await publish(broker.port, "zigbee2mqtt/patch", `{"temperature": 36.60, "battery": 90}`)).toBe(0);
    const pressure = `{"components": [{"code": "8480-6", "value": 128, "unit": "mm[Hg]"}, {"code": "8462-4", "value": 81, "unit": "mm[Hg]"}]}`;
    expect(await publish(broker.port, "pericard/observations", pressure)).toBe(0);
    expect(await publish(broker.port, "zigbee2mqtt/patch", `{"battery": 90}`)).toBe(0);
    await expect.poll(() => valuesOf(patient), SOON).toEqual(["36.60", "128"]);
    const [, temperature] = await observed(patient);
    expect(temperature).toMatchObject({
      device: "patch",
      time: { certainty: "measured" },
      components: [{ code: "8310-5", name: "body temperature", unit: "Cel", suspect: false }],
    });

    await bridge.stop();
    for (let i = 0; i < 20; i += 1) {
      expect(await publish(broker.port, "zigbee2mqtt/patch", `{"temperature": 37.${10 + i}}`)).toBe(0);
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await broker.stop();
    await broker.start();
    bridge = await startBridge(folder, ...fromBroker());
    const expected = ["36.60", "128", ...Array.from({ length: 20 }, (_, i) => `37.${10 + i}`)];
    await expect.poll(() => valuesOf(patient), SOON).toEqual(expected);
    await bridge.stop();
    const csv = join(root, "observations.csv");
    const installation = [
      "--data",
      paths.server,
      "--server",
      stack.serverUrl,
      "--passphrase-file",
      paths.passphraseFile,
    ];
    const wish = ["--patient", patient, "--code", "8310-5", "--out", csv];
    const [command, ...args] = pericardCommand(["records", "observations", ...installation, ...wish]);
    await promisify(execFile)(command, args);
    const rows = readFileSync(csv, "utf8").trimEnd().split("\n");
    expect(rows[0]).toBe(
      "time,time_certainty,arrived,code,name,value,unit,suspect,device,terminal,recording,observation",
    );
    expect(rows.slice(1).map((row) => row.split(",").slice(3, 9))).toEqual(
      expected
        .filter((value) => value !== "128")
        .toReversed()
        .map((value) => ["8310-5", "body temperature", value, "Cel", "false", "patch"]),
    );
  });

  test("loses nothing that mosquitto_pub was acknowledged, when the bridge itself is killed again and again", async () => {
    const { folder, patient } = deploy(2);
    const port = await freePort();
    const acknowledged: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const bridge = await startBridge(folder, "--mqtt", `127.0.0.1:${port}`);
      const untilMs = performance.now() + 700;
      setTimeout(() => bridge.process.kill("SIGKILL"), 700);
      for (let i = 0; performance.now() < untilMs; i += 1) {
        const value = `${round}.${String(i).padStart(3, "0")}`;
        const text = `{"code": "MDCX_ACME_N", "value": ${value}, "unit": "1"}`;
        if ((await publish(port, "pericard/observations", text)) === 0) acknowledged.push(value);
      }
      await bridge.ended;
    }
    const last = await startBridge(folder, "--mqtt", `127.0.0.1:${port}`);
    expect(acknowledged.length).toBeGreaterThan(20);
    const missing = async () => {
      const there = new Set(await valuesOf(patient));
      return acknowledged.filter((value) => !there.has(value));
    };
    await expect.poll(missing, SOON).toEqual([]);
    const values = await valuesOf(patient);
    expect(new Set(values).size).toBe(values.length);
    await last.stop();
  });
});
