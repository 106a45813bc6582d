/** A client as any MQTT library makes one, for tests of a gateway. */
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { MqttAnswer, mqttTopic, type RoutingId } from "@pericard/protocol";
import { later, TOKEN } from "./running.ts";

/** A connected client, and the answers that it was sent. */
export interface TestClient {
  readonly client: MqttClient;
  readonly answers: readonly (MqttAnswer & { readonly texts: readonly string[] })[];
  readonly isClosed: () => boolean;
  /** Publishes with QoS 1: whether it was acknowledged before the connection closed. */
  publish(topic: string, payload: Uint8Array, options?: { qos?: 0 | 1 | 2; retain?: boolean }): Promise<boolean>;
  /** The granted QoS, or 128. */
  subscribe(topic: string): Promise<number>;
}

/** How a client connects. */
export type TestClientOptions = IClientOptions & { readonly token?: string | null };

/** Connects, once. Rejects with the error that has CONNACK's return code. */
export async function connectMqtt(
  url: string,
  { token = TOKEN, ...options }: TestClientOptions = {},
): Promise<TestClient> {
  const client = connect(url, {
    protocolVersion: 4,
    reconnectPeriod: 0,
    ...(token === null ? {} : { username: "anybody", password: token }),
    ...options,
  });
  client.setMaxListeners(1000);
  later(() => void client.end(true));
  const answers: (MqttAnswer & { readonly texts: readonly string[] })[] = [];
  let closed = false;
  client.on("message", (_topic, payload) => {
    const answer = MqttAnswer.decode(new Uint8Array(payload));
    answers.push({ ...answer, texts: answer.mail.map((one) => new TextDecoder().decode(one)) });
  });
  client.on("close", () => {
    closed = true;
  });
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
    client.once("close", () => reject(new Error("closed")));
  });
  client.on("error", () => undefined);
  const publish: TestClient["publish"] = (topic, payload, { qos = 1, retain = false } = {}) =>
    new Promise((resolve) => {
      client.once("close", () => resolve(false));
      client.publish(topic, Buffer.from(payload), { qos, retain }, (error) => resolve(!error));
    });
  const subscribe: TestClient["subscribe"] = async (topic) =>
    new Promise((resolve) => {
      client.once("close", () => resolve(-1));
      client.subscribe(topic, { qos: 1 }, (error, granted) => resolve(error ? 128 : (granted?.[0]?.qos ?? 128)));
    });
  return { client, answers, isClosed: () => closed, publish, subscribe };
}

/** Connects, and hears a terminal's answers. */
export async function connectFor(url: string, routing: RoutingId, options?: TestClientOptions): Promise<TestClient> {
  const client = await connectMqtt(url, options);
  await client.subscribe(mqttTopic(routing, "down"));
  return client;
}

/** Sends bytes as they are, and waits for the other side to close, ten seconds at most: what came until then, or undefined. */
export async function sendRaw(
  url: string,
  bytes: Uint8Array,
  tls?: ConnectionOptions,
): Promise<Uint8Array | undefined> {
  const { hostname: host, port } = new URL(url);
  const socket = tls ? connectTls({ host, port: Number(port), ...tls }) : connectTcp(Number(port), host);
  const chunks: Uint8Array[] = [];
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(undefined);
    }, 10_000);
    socket.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(new Uint8Array(Buffer.concat(chunks)));
    });
    socket.write(bytes);
  });
}
