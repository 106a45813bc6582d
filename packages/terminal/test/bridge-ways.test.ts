/** Sensors over real sockets: HTTP and MQTT 3.1.1, and what is acknowledged when. */
import { BYTE_CODECS } from "@pericard/ecg";
import type { MemoryFolder } from "@pericard/framelog";
import { decimalText, decodeObservations } from "@pericard/protocol";
import {
  listenHttp,
  listenMqtt,
  runBridge,
  systemClock,
  tokenCheck,
  type Bridge,
  type OpenWay,
  type Terminal,
} from "@pericard/terminal";
import { connect as connectSocket } from "node:net";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openBench, until } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestServer, type Received } from "./support/test-server.ts";
import { upload } from "./support/uploads.ts";

const shared = new Installation();
const LOCAL = { host: "127.0.0.1", port: 0 };
const BODY = (value: number | string): string => JSON.stringify({ code: "59408-5", value, unit: "%" });

let folder: MemoryFolder;
let server: TestServer;
let terminal: Terminal;
let running: RunningBridge | undefined;
const clients: MqttClient[] = [];

interface RunningBridge {
  readonly bridge: Bridge;
  readonly http: string;
  readonly mqtt: string;
  stop(): Promise<unknown>;
}

beforeEach(() => {
  folder = shared.deployInMemory();
  server = new TestServer(shared);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true);
  await running?.stop();
  running = undefined;
});

async function start(
  wish: { readonly token?: string; readonly journalLimitBytes?: number } = {},
): Promise<RunningBridge> {
  const { token, ...profile } = wish;
  ({ terminal } = openBench(folder, server, { profile: { segmentLengthMs: 1000, ...profile } }));
  const end = new AbortController();
  const ready = Promise.withResolvers<Omit<RunningBridge, "stop">>();
  const report = runBridge(terminal, {
    rules: [],
    signal: end.signal,
    upload: false,
    nowUnixMs: () => systemClock.unixMs(),
    onRefused: () => undefined,
    openWays: async (bridge, onOpen) => {
      const ways: OpenWay[] = [];
      for (const listen of [listenHttp, listenMqtt]) {
        const way = await listen(bridge, LOCAL, tokenCheck(token));
        ways.push(way);
        onOpen(way);
      }
      ready.resolve({ bridge, http: ways[0]?.url ?? "", mqtt: ways[1]?.url ?? "" });
    },
  });
  report.catch((error: unknown) => ready.reject(error));
  const opened = await ready.promise;
  running = {
    ...opened,
    stop: async () => {
      end.abort();
      return report;
    },
  };
  return running;
}

const post = (url: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: "POST", body: body as string, headers });

async function client(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const made = connect(url, { protocolVersion: 4, reconnectPeriod: 0, ...options });
  clients.push(made);
  await new Promise<void>((resolve, reject) => {
    made.once("connect", () => resolve());
    made.once("error", reject);
    made.once("close", () => reject(new Error("closed")));
  });
  return made;
}

const publish = (by: MqttClient, topic: string, text: string, qos: 0 | 1 | 2 = 1): Promise<void> =>
  new Promise((resolve, reject) => {
    by.once("close", () => reject(new Error("closed")));
    by.publish(topic, Buffer.from(text), { qos }, (error) => (error ? reject(error) : resolve()));
  });

/** Values that would be there after a power cut now. */
async function durable(): Promise<readonly string[]> {
  const own = new TestServer(shared);
  const { terminal: after } = openBench(folder.afterPowerCut(0), own);
  await after.observe({ signal: AbortSignal.abort(), upload: false }, () => undefined);
  await upload({ terminal: after });
  return valuesOf(own.envelopes.flat());
}

function valuesOf(segments: readonly Received[]): readonly string[] {
  return segments
    .toSorted((a, b) => a.header.use - b.header.use)
    .flatMap(({ body }) => {
      const bytes = body.codec === "gzip" ? BYTE_CODECS.gzip.decode(body.encoded, 1_000_000) : body.encoded;
      return decodeObservations(bytes, body.descriptor.frameCount);
    })
    .flatMap(({ components }) => components.map(({ value }) => decimalText(value)));
}

describe("HTTP", () => {
  test("answers 201 when an observation is durable", async () => {
    const { http } = await start();
    const answer = await post(`${http}/v1/observations`, BODY("97.0"));
    expect([answer.status, await answer.json()]).toEqual([201, { observations: 1 }]);
    expect(await durable()).toEqual(["97.0"]);
  });

  test("refuses what is wrong, and says why", async () => {
    const { http, bridge } = await start({ token: "secret of the house" });
    const token = { authorization: "Bearer secret of the house" };
    const cases = [
      [post(`${http}/v1/observations`, BODY(97)), 401, "ERR_CLIENT_UNKNOWN"],
      [post(`${http}/v1/observations`, BODY(97), { authorization: "Bearer secret" }), 401, "ERR_CLIENT_UNKNOWN"],
      [post(`${http}/v1/observations`, "{}", token), 400, "ERR_BRIDGE_INPUT"],
      [post(`${http}/v1/topics/home%2Fcuff`, BODY(97), token), 400, "ERR_BRIDGE_INPUT"],
      [post(`${http}/v1/topics/%`, BODY(97), token), 400, "ERR_BRIDGE_INPUT"],
      [post(`${http}/v1/observations`, new Uint8Array(65_537), token), 413, "ERR_LENGTH_LIMIT"],
      [post(`${http}/v1/else`, BODY(97), token), 404, "ERR_NOT_FOUND"],
      [fetch(`${http}/v1/observations`, { headers: token }), 405, "ERR_NOT_FOUND"],
    ] as const;
    for (const [asked, status, code] of cases) {
      const answer = await asked;
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
    }
    expect((await post(`${http}/v1/topics/pericard/observations/x`, BODY(97), token)).status).toBe(201);
    expect(bridge.counts).toMatchObject({ observations: 1, refused: 2 });
    await running?.stop();
    const log = terminal.openRefusedLog();
    expect(log.inputs.map(({ topic }) => topic)).toEqual(["pericard/observations", "home/cuff"]);
    expect(log.inputs.map(({ input }) => new TextDecoder().decode(input))).toEqual(["{}", BODY(97)]);
    const onDisk = new TextDecoder("latin1").decode(folder.bytesOf("refused-00000000.cbor"));
    expect(onDisk).not.toContain("59408");
  });

  test("answers 503 while the journal is full, and takes more when it has room", async () => {
    const { http } = await start({ journalLimitBytes: 16_384 });
    let last: Response | undefined;
    let sent = 0;
    for (; last?.status !== 503 && sent < 5000; sent += 1) last = await post(`${http}/v1/observations`, BODY(sent));
    expect([last?.status, last?.headers.get("retry-after")]).toEqual([503, "10"]);
    const enough = new AbortController();
    const uploads = terminal.upload({ signal: enough.signal });
    await expect
      .poll(async () => (await post(`${http}/v1/observations`, BODY(50))).status, { timeout: 10_000 })
      .toBe(201);
    enough.abort();
    await uploads;
  });
});

describe("MQTT", () => {
  test("gives PUBACK when an observation is durable, with QoS 1 and 2", async () => {
    const { mqtt } = await start();
    const sensor = await client(mqtt);
    await publish(sensor, "pericard/observations", BODY("96"));
    expect(await durable()).toEqual(["96"]);
    await publish(sensor, "pericard/observations", BODY("97"), 2);
    expect(await durable()).toEqual(["96", "97"]);
    await publish(sensor, "pericard/observations", BODY("98"), 0);
    await expect.poll(() => durable()).toEqual(["96", "97", "98"]);
  });

  test("gives none when it is not, and ends the connection", async () => {
    const { mqtt } = await start();
    const sensor = await client(mqtt);
    folder.failWith((operation) =>
      operation === "sync" ? Object.assign(new Error("i/o"), { code: "EIO" }) : undefined,
    );
    await expect(publish(sensor, "pericard/observations", BODY("96"))).rejects.toThrow("closed");
    folder.failWith(undefined);
    expect(await durable()).toEqual([]);
    await expect(running?.stop()).rejects.toMatchObject({ code: "ERR_JOURNAL_DISK" });
    running = undefined;
  });

  test("gives none while the journal is full, and takes the message when it is sent again and there is room", async () => {
    const { mqtt } = await start({ journalLimitBytes: 16_384 });
    let refused: unknown;
    let sent = 0;
    for (; refused === undefined && sent < 5000; sent += 1) {
      refused = await publish(await client(mqtt), "pericard/observations", BODY(sent)).catch((error: unknown) => error);
      clients.pop()?.end(true);
    }
    expect(refused).toMatchObject({ message: "closed" });
    const enough = new AbortController();
    const uploads = terminal.upload({ signal: enough.signal });
    const again = async (): Promise<string> => {
      const by = await client(mqtt);
      return publish(by, "pericard/observations", BODY(sent - 1)).then(
        () => "acknowledged",
        () => "closed",
      );
    };
    await expect.poll(again, { timeout: 10_000 }).toBe("acknowledged");
    enough.abort();
    await uploads;
    const expected = Array.from({ length: sent }, (_, i) => String(i));
    await running?.stop();
    running = undefined;
    await upload({ terminal });
    expect(valuesOf(server.envelopes.flat())).toEqual(expected);
  });

  test("takes many from many at once", async () => {
    const { mqtt, bridge } = await start();
    const sensors = await Promise.all(Array.from({ length: 8 }, () => client(mqtt)));
    const sent = sensors.flatMap((sensor, s) =>
      Array.from({ length: 40 }, (_, i) => publish(sensor, "pericard/observations", BODY(`${s}.${i}`))),
    );
    for (const sensor of sensors) sensor.setMaxListeners(100);
    await Promise.all(sent);
    expect(bridge.counts.observations).toBe(320);
    expect(await durable()).toHaveLength(320);
  });

  test("acknowledges what is no observation, and sets it aside", async () => {
    const { mqtt, bridge } = await start();
    const sensor = await client(mqtt);
    await publish(sensor, "home/lamp", "on");
    expect(bridge.counts).toMatchObject({ observations: 0, refused: 1 });
  });

  test("lets nobody hear what others send, with or without the retain flag", async () => {
    const { mqtt } = await start();
    const [sensor, listener] = [await client(mqtt), await client(mqtt)];
    const heard: string[] = [];
    listener.on("message", (topic: string) => void heard.push(topic));
    await new Promise<void>((resolve) => listener.subscribe("#", { qos: 1 }, () => resolve()));
    await new Promise<void>((resolve) => {
      sensor.publish("pericard/observations", Buffer.from(BODY(97)), { qos: 1, retain: true }, () => resolve());
    });
    const later = await client(mqtt);
    later.on("message", (topic: string) => void heard.push(topic));
    await new Promise<void>((resolve) => later.subscribe("#", { qos: 1 }, () => resolve()));
    await publish(sensor, "pericard/observations", BODY(98));
    expect(heard).toEqual([]);
  });

  test("admits those who show the token, and none with a will", async () => {
    const { mqtt } = await start({ token: "secret" });
    await expect(client(mqtt)).rejects.toThrow();
    await expect(client(mqtt, { username: "cuff", password: "secrets" })).rejects.toThrow();
    const sensor = await client(mqtt, { username: "cuff", password: "secret" });
    await publish(sensor, "pericard/observations", BODY(97));
    const will = { topic: "pericard/observations", payload: Buffer.from(BODY(1)), qos: 1, retain: false } as const;
    await expect(client(mqtt, { username: "cuff", password: "secret", will })).rejects.toThrow();
  });

  test("ends a connection whose packet says that it is longer than any input", async () => {
    const { mqtt, bridge } = await start();
    const socket = connectSocket(Number(new URL(mqtt).port), "127.0.0.1");
    const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
    socket.on("error", () => undefined);
    socket.write(Uint8Array.of(0x10, 16, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 4, 0x61, 0x62, 0x63, 0x64));
    await new Promise<void>((resolve) => void socket.once("data", () => resolve()));
    socket.write(Uint8Array.of(0x32, 0xff, 0xff, 0xff, 0x7f));
    await closed;
    const sensor = await client(mqtt);
    await publish(sensor, "pericard/observations", BODY(97));
    expect(bridge.counts.observations).toBe(1);
  });
});

test("a way that cannot be opened ends the run, and nothing stays open", async () => {
  const { http } = await start();
  const port = Number(new URL(http).port);
  const other = openBench(shared.deployInMemory(), server).terminal;
  const run = runBridge(other, {
    rules: [],
    signal: new AbortController().signal,
    upload: false,
    nowUnixMs: () => 0,
    onRefused: () => undefined,
    openWays: async (bridge, onOpen) =>
      onOpen(await listenHttp(bridge, { host: "127.0.0.1", port }, tokenCheck(undefined))),
  });
  await expect(run).rejects.toMatchObject({ code: "ERR_BRIDGE_LISTEN" });
});

test("what was taken before a bridge is stopped is in a segment then", async () => {
  const { http } = await start();
  await post(`${http}/v1/observations`, BODY(97));
  await running?.stop();
  running = undefined;
  await upload({ terminal });
  expect(valuesOf(server.envelopes.flat())).toEqual(["97"]);
  await until(() => !folder.list().some((name) => name.startsWith("draft-")), "drafts are gone");
});
