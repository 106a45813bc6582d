/** One way by MQTT: to a real gateway, and to brokers that do what no gateway should. */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { Aedes, type AedesOptions } from "aedes";
import { systemRandom } from "@pericard/crypto";
import { encodeMail, MAIL_ANSWER_BYTES_MAX, MqttAnswer, mqttTail, mqttTopic } from "@pericard/protocol";
import { createMqttWay, type Way } from "@pericard/terminal";
import { afterEach, describe, expect, test } from "vitest";
import { makeEnvelope, makeStatus, routingOf } from "../../gateway/test/support/messages.ts";
import { NEVER, until } from "./support/bench.ts";
import { runGateway, settingsFor, TOKEN } from "./support/gateways.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function wayTo(url: string, token = TOKEN, idleTimeoutMs = 2000): Way {
  const way = createMqttWay({ url, token }, { idleTimeoutMs });
  cleanups.push(() => way.close());
  return way;
}

/** A broker that a test decides for. */
async function runBroker(options: AedesOptions = {}) {
  const broker = await Aedes.createBroker(options);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    broker.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  cleanups.push(async () => {
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const say = (payload: Uint8Array): void =>
    broker.publish(
      {
        cmd: "publish",
        topic: mqttTopic(routingOf(1), "down"),
        payload: Buffer.from(payload),
        qos: 0,
        retain: false,
        dup: false,
      },
      () => undefined,
    );
  return { broker, say, url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const UNREACHABLE = { code: "ERR_UPLOAD_UNREACHABLE" };

/** A gateway whose upstream is away. */
async function alone(spoolBytesMax = 2 ** 30) {
  const settings = settingsFor("http://127.0.0.1:9", { mqtt: { port: 0 }, spoolBytesMax });
  const gateway = await runGateway(settings);
  return { settings, gateway, url: gateway.mqttUrl ?? "" };
}

describe("to a gateway", () => {
  test("an acknowledged message is one that HTTP would have answered with 202", async () => {
    const { url } = await alone();
    expect(await wayTo(url).post(makeEnvelope(1), { signal: NEVER })).toEqual({
      status: 202,
      mail: null,
      problemCode: null,
      retryAfterMs: null,
      cutOff: false,
    });
  });

  test("a refusal has its code and its pause, and the next message goes by a new connection", async () => {
    const { url } = await alone(65_536);
    const way = wayTo(url);
    expect(await way.post(makeEnvelope(1, 80_000), { signal: NEVER })).toEqual({
      status: 503,
      mail: null,
      problemCode: "ERR_SPOOL_FULL",
      retryAfterMs: 30_000,
      cutOff: false,
    });
    expect(await way.post(makeEnvelope(1), { signal: NEVER })).toMatchObject({ status: 202 });
  });

  test("a status that does not get through is answered so", async () => {
    const { url } = await alone();
    expect(await wayTo(url).post(makeStatus(1), { signal: NEVER })).toMatchObject({ status: 200, cutOff: true });
  });

  test("with a wrong token it is not reached", async () => {
    const { url } = await alone();
    await expect(wayTo(url, "not-a-token-of-anyone").post(makeEnvelope(1), { signal: NEVER })).rejects.toMatchObject(
      UNREACHABLE,
    );
  });

  test("many at once share one connection, and all are acknowledged", async () => {
    const { gateway, url } = await alone();
    const way = wayTo(url);
    const posts = Array.from({ length: 50 }, (_, i) => way.post(makeEnvelope(i % 3), { signal: NEVER }));
    expect((await Promise.all(posts)).map(({ status }) => status)).toEqual(posts.map(() => 202));
    expect(gateway.stats().spoolItems).toBe(50);
  });

  test("nobody there is nobody reached", async () => {
    await expect(wayTo("mqtt://127.0.0.1:9").post(makeEnvelope(1), { signal: NEVER })).rejects.toMatchObject(
      UNREACHABLE,
    );
  });
});

describe("to what is no good gateway", () => {
  test("a message that is never acknowledged is given up", async () => {
    const { url } = await runBroker({ authorizePublish: () => undefined });
    await expect(wayTo(url, TOKEN, 300).post(makeEnvelope(1), { signal: NEVER })).rejects.toMatchObject(UNREACHABLE);
  });

  test("a signal ends what is waited for", async () => {
    const { url } = await runBroker({ authorizePublish: () => undefined });
    const stop = new AbortController();
    const posting = wayTo(url).post(makeEnvelope(1), { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(posting).rejects.toMatchObject(UNREACHABLE);
  });

  test("one that hears nothing is not reached", async () => {
    const { url } = await runBroker({ authorizeSubscribe: (_client, _subscription, done) => done(null, null) });
    await expect(wayTo(url).post(makeEnvelope(1), { signal: NEVER })).rejects.toMatchObject(UNREACHABLE);
  });

  test("what is no answer is as if nothing had come", async () => {
    const { say, url } = await runBroker();
    const way = wayTo(url);
    await way.post(makeEnvelope(1), { signal: NEVER });
    for (const bytes of [new Uint8Array(0), systemRandom(300), encodeMail([]), Uint8Array.of(0x86)]) say(bytes);
    expect(await way.post(makeEnvelope(1), { signal: NEVER })).toMatchObject({ status: 202, mail: null });
  });

  test("an answer longer than one may be ends the connection", async () => {
    const { broker, say, url } = await runBroker();
    const way = wayTo(url);
    await way.post(makeEnvelope(1), { signal: NEVER });
    say(new Uint8Array(MAIL_ANSWER_BYTES_MAX + 2000));
    await until(() => broker.connectedClients === 0, "the connection ended");
    expect(await way.post(makeEnvelope(1), { signal: NEVER })).toMatchObject({ status: 202 });
  });

  test("mail that comes by itself ends a poll that waits, and is given once", async () => {
    const { say, url } = await runBroker();
    const way = wayTo(url);
    await way.post(makeEnvelope(1), { signal: NEVER });
    const polling = way.post(makeStatus(1), { waitSeconds: 20, signal: NEVER });
    const mail = [Uint8Array.of(1, 2, 3)];
    const answer = { status: 200, cutOff: false, code: null, retryAfterSeconds: null, tail: null, mail };
    setTimeout(() => say(MqttAnswer.encode(answer)), 100);
    expect(await polling).toMatchObject({ status: 200, mail: encodeMail(mail) });
    expect(await way.post(makeEnvelope(1), { signal: NEVER })).toMatchObject({ mail: null });
  });

  test("an answer to another message answers nobody", async () => {
    const { say, url } = await runBroker();
    const way = wayTo(url, TOKEN, 500);
    await way.post(makeEnvelope(1), { signal: NEVER });
    const [asked, other] = [makeStatus(1, 1), makeStatus(1, 2)];
    const posting = way.post(asked, { signal: NEVER });
    const answer = { status: 200, cutOff: false, code: null, retryAfterSeconds: null, tail: mqttTail(other), mail: [] };
    say(MqttAnswer.encode(answer));
    await expect(posting).rejects.toMatchObject(UNREACHABLE);
  });

  test("mail is kept within a bound", async () => {
    const { say, url } = await runBroker();
    const way = wayTo(url);
    await way.post(makeEnvelope(1), { signal: NEVER });
    const answer = { status: 200, cutOff: false, code: null, retryAfterSeconds: null, tail: null };
    for (let i = 0; i < 20; i += 1) say(MqttAnswer.encode({ ...answer, mail: [new Uint8Array(500_000).fill(i)] }));
    await new Promise((resolve) => setTimeout(resolve, 500));
    let sizeBytes = 0;
    for (let more = true; more;) {
      const { mail } = await way.post(makeEnvelope(1), { signal: NEVER });
      sizeBytes += mail?.length ?? 0;
      more = mail !== null;
    }
    expect(sizeBytes).toBeGreaterThan(MAIL_ANSWER_BYTES_MAX);
    expect(sizeBytes).toBeLessThan(5 * MAIL_ANSWER_BYTES_MAX);
  });
});
