/** Gateways over MQTT, with a client that is not ours, between real sockets and real disks. */
import { describe, expect, test } from "vitest";
import { mqttTail, mqttTopic } from "@pericard/protocol";
import type { GatewaySettings } from "@pericard/gateway";
import { makeAuthority } from "./support/certificates.ts";
import {
  makeEnvelope,
  makeMail,
  makeMisroutedEnvelope,
  makeReceipt,
  makeStatus,
  routingOf,
} from "./support/messages.ts";
import { connectFor, connectMqtt, sendRaw, type TestClientOptions } from "./support/mqtt-client.ts";
import { OTHER_TOKEN, runGateway, runUpstream, settingsFor, TOKEN, until } from "./support/running.ts";
import { hex } from "./support/spools.ts";
import { takeWith, type UpstreamServer } from "./support/upstream-server.ts";

const UP = mqttTopic(routingOf(1), "up");
const DOWN = mqttTopic(routingOf(1), "down");

async function runMqtt(changes: Partial<GatewaySettings> = {}) {
  const upstream: UpstreamServer = await runUpstream();
  const gateway = await runGateway(settingsFor(upstream.url, { mqtt: { port: 0 }, ...changes }));
  const url = gateway.mqttUrl ?? "";
  return { upstream, gateway, url };
}

/** A gateway whose upstream is away. */
async function runAlone(changes: Partial<GatewaySettings> = {}) {
  const run = await runMqtt(changes);
  await run.upstream.close();
  return run;
}

describe("messages", () => {
  test("are acknowledged when they are spooled, forwarded as they are, and answered", async () => {
    const { upstream, gateway, url } = await runMqtt();
    upstream.answer = takeWith([makeMail("receipt")]);
    const { publish, answers } = await connectFor(url, routingOf(1));
    const messages = Array.from({ length: 20 }, () => makeEnvelope(1));
    expect(await Promise.all(messages.map((message) => publish(UP, message)))).toEqual(messages.map(() => true));
    await until("all arrived", () => upstream.received.length === 20 && gateway.stats().spoolItems === 0);
    expect(upstream.received.map(({ bytes }) => hex(bytes))).toEqual(messages.map(hex));
    await until("the receipt came", () => answers.some(({ texts }) => texts.includes("receipt")));
  });

  test("the largest envelope passes byte for byte", async () => {
    const { upstream, url } = await runMqtt();
    const { publish } = await connectFor(url, routingOf(1));
    const message = makeEnvelope(1, 15 * 1024 * 1024);
    expect(await publish(UP, message)).toBe(true);
    await until("it arrived", () => upstream.received.length === 1);
    expect(Buffer.compare(upstream.received[0]?.bytes ?? new Uint8Array(0), message)).toBe(0);
  });

  test("while the upstream is away wait, and the client is told", async () => {
    const { gateway, url } = await runAlone();
    const { publish, answers } = await connectFor(url, routingOf(1));
    await publish(UP, makeEnvelope(1));
    await until("it was tried", () => gateway.stats().upstream === "unreachable");
    const message = makeEnvelope(1);
    expect(await publish(UP, message)).toBe(true);
    expect(answers.at(-1)).toMatchObject({ status: 202, cutOff: true, tail: mqttTail(message), mail: [] });
    expect(gateway.stats().spoolItems).toBe(2);
  });
});

describe("statuses", () => {
  test("are passed on at once and answered, with mail or without", async () => {
    const { upstream, gateway, url } = await runMqtt();
    const { publish, answers } = await connectFor(url, routingOf(1));
    const status = makeStatus(1, 1);
    expect(await publish(UP, status)).toBe(true);
    await until("it is answered", () => answers.length === 1);
    expect(answers[0]).toMatchObject({ status: 200, cutOff: false, tail: mqttTail(status), mail: [] });
    upstream.answer = takeWith([makeMail("command")]);
    await publish(UP, makeStatus(1, 2));
    await until("the command came", () => answers.some(({ texts }) => texts.includes("command")));
    expect(upstream.received.map(({ url: path }) => path)).toEqual(["/v1/messages", "/v1/messages"]);
    expect(gateway.stats().spoolItems).toBe(0);
  });

  test("under up/wait may wait for mail", async () => {
    const { upstream, url } = await runMqtt();
    upstream.answer = (request, response) =>
      void setTimeout(() => takeWith([makeMail("command")])(request, response), 300);
    const { publish, answers } = await connectFor(url, routingOf(1));
    await publish(mqttTopic(routingOf(1), "up/wait"), makeStatus(1));
    await until("the command came", () => answers.some(({ texts }) => texts.includes("command")));
    expect(upstream.received[0]?.url).toBe("/v1/messages?waitSeconds=25");
  });

  test("that do not get through are answered so", async () => {
    const { url } = await runAlone();
    const { publish, answers } = await connectFor(url, routingOf(1));
    await publish(UP, makeStatus(1));
    await until("it is answered", () => answers.length === 1);
    expect(answers[0]).toMatchObject({ status: 200, cutOff: true, mail: [] });
  });
});

describe("who connects", () => {
  test.each<readonly [string, TestClientOptions, number]>([
    ["a wrong token", { token: "not-a-token-of-anyone" }, 5],
    ["no token", { token: null }, 5],
    ["a will", { will: { topic: DOWN, payload: Buffer.from("x"), qos: 0, retain: false } }, 5],
    ["MQTT 5", { protocolVersion: 5 }, 1],
  ])("with %s is refused by CONNACK", async (_, options, code) => {
    const { url } = await runMqtt();
    await expect(connectMqtt(url, options)).rejects.toMatchObject({ code });
  });

  test("with another client's identifier ends nobody else's connection", async () => {
    const { url } = await runMqtt();
    const first = await connectMqtt(url, { clientId: "same" });
    await connectMqtt(url, { clientId: "same", token: OTHER_TOKEN });
    expect(await first.publish(UP, makeEnvelope(1))).toBe(true);
    await connectMqtt(url, { clientId: "same" });
    await until("his own older connection is ended", first.isClosed);
  });

  test("hears nothing of what another client's messages brought", async () => {
    const { upstream, url } = await runMqtt();
    upstream.answer = takeWith([makeMail("receipt")]);
    const spy = await connectFor(url, routingOf(1), { token: OTHER_TOKEN });
    const own = await connectFor(url, routingOf(1));
    await own.publish(UP, makeEnvelope(1));
    await until("the receipt came", () => own.answers.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(spy.answers).toEqual([]);
  });

  test.each(["#", "+", "pericard/#", "pericard/+/down", "$SYS/#", UP, `${DOWN}/x`, "pericard/0/down", "$share/a/b"])(
    "may not subscribe to %s",
    async (topic) => {
      const { url } = await runMqtt();
      const { subscribe } = await connectMqtt(url);
      expect(await subscribe(topic)).toBe(128);
      expect(await subscribe(DOWN)).toBe(1);
    },
  );

  test("may be bound to terminals, for what it sends and for what it hears", async () => {
    const clients = [{ name: "bed", token: TOKEN, routings: [routingOf(1)] }];
    const { gateway, url } = await runAlone({ clients });
    const { subscribe, publish } = await connectMqtt(url);
    expect(await subscribe(DOWN)).toBe(1);
    expect(await subscribe(mqttTopic(routingOf(2), "down"))).toBe(128);
    expect(await publish(UP, makeEnvelope(1))).toBe(true);
    expect(await publish(mqttTopic(routingOf(2), "up"), makeEnvelope(2))).toBe(false);
    expect(gateway.stats().spoolItems).toBe(1);
  });
});

describe("a message that is refused is answered, not acknowledged, and its connection ends", () => {
  const cases: readonly [string, string, Uint8Array, { qos?: 0 | 1 | 2; retain?: boolean }, number, string][] = [
    ["with QoS 0", UP, makeEnvelope(1), { qos: 0 }, 400, "ERR_MQTT_QOS"],
    ["with QoS 2", UP, makeEnvelope(1), { qos: 2 }, 400, "ERR_MQTT_QOS"],
    ["to be retained", UP, makeEnvelope(1), { retain: true }, 400, "ERR_MQTT_QOS"],
    ["under down", DOWN, makeEnvelope(1), {}, 403, "ERR_MQTT_TOPIC"],
    ["of another terminal", UP, makeEnvelope(2), {}, 400, "ERR_ROUTING_MISMATCH"],
    ["that is misrouted", mqttTopic(routingOf(2), "up"), makeMisroutedEnvelope(), {}, 400, "ERR_ROUTING_MISMATCH"],
    ["that a server signs", UP, makeReceipt(), {}, 400, "ERR_TYPE_MISMATCH"],
    ["that is garbage", UP, Uint8Array.from({ length: 100 }, (_, i) => i), {}, 400, "ERR_COSE_STRUCTURE"],
    ["that is empty", UP, new Uint8Array(0), {}, 400, "ERR_COSE_STRUCTURE"],
  ];
  test.each(cases)("%s", async (_, topic, message, options, status, code) => {
    const { gateway, upstream, url } = await runMqtt();
    const { client, publish, subscribe, answers, isClosed } = await connectMqtt(url);
    for (const terminal of [1, 2]) await subscribe(mqttTopic(routingOf(terminal), "down"));
    const acknowledged = await publish(topic, message, options);
    if (options.qos !== 0) expect(acknowledged).toBe(false);
    await until("the connection ended", isClosed);
    expect(answers).toMatchObject([{ status, code }]);
    expect([gateway.stats().spoolItems, upstream.received.length, client.connected]).toEqual([0, 0, false]);
  });

  test("under a foreign topic", async () => {
    const { gateway, url } = await runMqtt();
    const { publish } = await connectMqtt(url);
    expect(await publish("ward/3/temperature", makeEnvelope(1))).toBe(false);
    expect(gateway.stats().spoolItems).toBe(0);
  });

  test("for want of room, with how long to wait; what was acknowledged before is there", async () => {
    const { gateway, url } = await runAlone({ spoolBytesMax: 65_536 });
    const { publish, answers } = await connectFor(url, routingOf(1));
    let acknowledged = 0;
    while (await publish(UP, makeEnvelope(1, 5000))) acknowledged += 1;
    expect(answers.at(-1)).toMatchObject({ status: 503, code: "ERR_SPOOL_FULL", retryAfterSeconds: 30 });
    expect([gateway.stats().spoolItems, gateway.stats().status]).toEqual([acknowledged, "full"]);
    expect(acknowledged).toBeGreaterThan(5);
  });
});

describe("bytes that are no MQTT, or too many", () => {
  const CONNECT = Buffer.from("101000044d5154540402003c000461626364", "hex");
  test.each([
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a CONNECT that claims 256 MB", Buffer.from("10ffffff7f", "hex")],
    ["a length of five bytes", Buffer.from("10ffffffffff01", "hex")],
    ["a PUBLISH before CONNECT", Buffer.from("300500016178 79".replaceAll(" ", ""), "hex")],
    ["a PUBLISH that claims more than any message", Buffer.concat([CONNECT, Buffer.from("32ffffff7f", "hex")])],
    ["a SUBSCRIBE that claims a megabyte", Buffer.concat([CONNECT, Buffer.from("8280803d", "hex")])],
  ])("%s: the connection ends", async (_, bytes) => {
    const { gateway, url } = await runMqtt();
    expect(await sendRaw(url, bytes)).toBeDefined();
    const { publish } = await connectMqtt(url);
    expect(await publish(UP, makeEnvelope(1))).toBe(true);
    expect(gateway.stats().status).toBe("ok");
  });
});

test("over TLS a client is known by its certificate, and the gateway by its own", async () => {
  const authority = makeAuthority();
  const tls = { ...authority.issue("gateway"), clientCa: authority.cert };
  const clients = [{ name: "bed", commonName: "bed 12", routings: [routingOf(1)] }];
  const { gateway, url } = await runAlone({ tls, clients });
  expect(url).toMatch(/^mqtts:/);
  const own = authority.issue("bed 12");
  const { publish } = await connectMqtt(url, { ca: authority.cert, ...own });
  expect(await publish(UP, makeEnvelope(1))).toBe(true);
  expect(gateway.stats().spoolItems).toBe(1);
  await expect(connectMqtt(url, { ca: authority.cert })).rejects.toMatchObject({ code: 5 });
  await expect(connectMqtt(url, { ca: authority.cert, ...authority.issue("bed 13") })).rejects.toMatchObject({
    code: 5,
  });
  await expect(connectMqtt(url, own)).rejects.toMatchObject({ code: "SELF_SIGNED_CERT_IN_CHAIN" });
});

test("a gateway that closes ends its connections, and frees its port", async () => {
  const { gateway, url } = await runMqtt();
  const { isClosed } = await connectMqtt(url);
  await gateway.close();
  await until("the connection ended", isClosed);
  await expect(connectMqtt(url)).rejects.toThrow();
});
