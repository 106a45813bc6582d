/**
 * What a gateway does for its clients over MQTT: the same as over HTTP, by the rules of an MQTT broker's hooks.
 *
 * PUBACK of an envelope means what 202 means: spooled. A message that is refused is answered under `down` and gets no
 * PUBACK: its connection is closed. Nobody is sent what another client's messages brought, whatever he subscribes to,
 * because nothing is handed from client to client: mail goes to the connection that asked for it.
 *
 * Source: docs/format.md §9.5.
 */
import type { AedesOptions, Client, ConnectPacket, PublishPacket, Subscription } from "aedes";
import { MQTT_WAIT_SECONDS, parseMqttTopic, type MqttTopic } from "@pericard/protocol";
import { peerName, type ClientRegistry } from "./clients.ts";
import type { ClientConfig } from "./config.ts";
import { GatewayError } from "./errors.ts";
import { MQTT_CONNECTIONS_PER_CLIENT_MAX } from "./limits.ts";
import { readClientMessage, type ClientMessage } from "./message.ts";
import { MqttSession, type MqttSessionParts } from "./mqtt-session.ts";
import type { RequestRelay } from "./request-relay.ts";
import { refusalOf } from "./refusals.ts";
import type { Spool } from "./spool.ts";
import type { PollEnd, StatusRelay } from "./status-relay.ts";

/** What sessions work with. */
export interface MqttParts extends MqttSessionParts {
  readonly clients: ClientRegistry;
  readonly spool: Pick<Spool, "admit">;
  readonly relay: StatusRelay;
  readonly requests: RequestRelay;
  /** Told of each refusal, for the log. */
  readonly onRefused: (code: string, client: string) => void;
}

/** Return codes of CONNACK. Source: MQTT 3.1.1 §3.2.2.3. */
const UNAVAILABLE = 3;
const NOT_AUTHORISED = 5;

function refusedConnect(message: string, returnCode: number): Error & { readonly returnCode: number } {
  return Object.assign(new Error(message), { returnCode });
}

/** The clients that are connected by MQTT. */
export class MqttSessions {
  readonly #parts: MqttParts;
  readonly #sessions = new WeakMap<Client, MqttSession>();
  readonly #withWill = new WeakSet<Client>();
  /** Never aborted. */
  readonly #nobody = new AbortController();
  readonly #connectionCounts = new Map<string, number>();

  constructor(parts: MqttParts) {
    this.#parts = parts;
  }

  /** What a broker asks. */
  get hooks(): Required<Pick<AedesOptions, "preConnect" | "authenticate" | "authorizePublish" | "authorizeSubscribe">> {
    return {
      preConnect: (client, packet, done) => {
        this.#prepare(client, packet);
        done(null, true);
      },
      authenticate: (client, _username, password, done) => {
        const refused = this.#admit(client, password);
        done(refused as never, refused === null);
      },
      authorizePublish: async (client, packet, done) => done(await this.#failureOf(client, packet)),
      authorizeSubscribe: (client, subscription, done) => done(null, this.#subscribe(client, subscription)),
    };
  }

  /** Ends subscriptions that a client has taken back. */
  unsubscribe(client: Client, topics: readonly string[]): void {
    for (const topic of topics) this.#sessions.get(client)?.unhear(topic);
  }

  /** No session outlives its connection: what waits is at the server, and is brought again. */
  #prepare(client: Client, packet: ConnectPacket): void {
    packet.clean = true;
    if (packet.will) this.#withWill.add(client);
  }

  /** Why a client may not connect, or null. */
  #admit(client: Client, password: Uint8Array | undefined): (Error & { readonly returnCode: number }) | null {
    if (this.#withWill.has(client)) return refusedConnect("a will is not carried here", NOT_AUTHORISED);
    let config: ClientConfig;
    try {
      config = this.#parts.clients.admit({ token: password, commonName: peerName(client.conn) });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#parts.onRefused(error.code, "");
      return refusedConnect(error.message, NOT_AUTHORISED);
    }
    if (!this.#count(config.name, 1)) return refusedConnect("too many connections", UNAVAILABLE);
    // Nobody ends another client's connection by using its identifier.
    Object.assign(client, { id: `${config.name}/${client.id}` });
    this.#sessions.set(client, new MqttSession(client, config, this.#parts));
    client.conn.once("close", () => this.#count(config.name, -1));
    return null;
  }

  /** Counts a client's connections. False when it may not have one more. */
  #count(name: string, change: 1 | -1): boolean {
    const count = (this.#connectionCounts.get(name) ?? 0) + change;
    if (count > MQTT_CONNECTIONS_PER_CLIENT_MAX) return false;
    if (count === 0) this.#connectionCounts.delete(name);
    else this.#connectionCounts.set(name, count);
    return true;
  }

  #subscribe(client: Client, subscription: Subscription): Subscription | null {
    const session = this.#sessions.get(client);
    const topic = parseMqttTopic(subscription.topic);
    if (!session || topic?.direction !== "down") return null;
    const mayHear = this.#parts.clients.speaksFor(session.config, topic.routing) && session.hear(topic.routing);
    return mayHear ? { ...subscription, qos: subscription.qos === 0 ? 0 : 1 } : null;
  }

  /** Takes a message: null when it is acknowledged, or why it is not. */
  async #failureOf(client: Client | null, packet: PublishPacket): Promise<Error | null> {
    const session = client && this.#sessions.get(client);
    if (!session) return new GatewayError("ERR_CLIENT_UNKNOWN", "nobody is connected");
    const bytes = bytesOf(packet.payload);
    const topic = parseMqttTopic(packet.topic);
    try {
      await this.#take(session, topic, packet, bytes);
      return null;
    } catch (error) {
      const { status, code, retryAfterSeconds } = replyOf(error);
      this.#parts.onRefused(code, session.config.name);
      if (topic) await session.answer(topic.routing, bytes, { status, code, retryAfterSeconds });
      await session.end();
      return error instanceof Error ? error : new Error(code);
    }
  }

  /** Kept when the message is spooled, or on its way when it is never spooled. */
  async #take(
    session: MqttSession,
    topic: MqttTopic | undefined,
    { qos, retain }: PublishPacket,
    bytes: Uint8Array,
  ): Promise<void> {
    if (!topic || topic.direction === "down") {
      throw new GatewayError("ERR_MQTT_TOPIC", "nothing is taken under this topic");
    }
    if (qos !== 1 || retain) throw new GatewayError("ERR_MQTT_QOS", "messages are taken with QoS 1 and without retain");
    this.#parts.clients.requireSpeaksFor(session.config, topic.routing);
    const message = readClientMessage(bytes);
    if (message.routing !== topic.routing) {
      throw new GatewayError("ERR_ROUTING_MISMATCH", "message is of another terminal than its topic");
    }
    if (message.type === "pericard/status" || message.type === "pericard/fetch-back") {
      void this.#pass(session, message, topic.direction === "up/wait" ? MQTT_WAIT_SECONDS : 0);
      return;
    }
    await this.#parts.spool.admit(message, session.config);
    if (!this.#parts.isCutOff() && !session.hasMail(message.routing)) return;
    await session.answer(message.routing, bytes, { status: 202, code: null });
  }

  /** Passes on what is never spooled, and answers it when its answer is there. */
  async #pass(session: MqttSession, message: ClientMessage, waitSeconds: number): Promise<void> {
    const { routing, bytes } = message;
    try {
      const end = await this.#ask(session, message, waitSeconds);
      if (end.kind === "refused") return await session.answer(routing, bytes, { status: end.status, code: end.code });
      const unreached = end.kind === "unreachable" ? { cutOff: true } : {};
      await session.answer(routing, bytes, { status: 200, code: null, ...unreached });
    } catch (error) {
      await session.answer(routing, bytes, replyOf(error));
    }
  }

  #ask({ config: { name }, gone }: MqttSession, message: ClientMessage, waitSeconds: number): Promise<PollEnd> {
    const { relay, requests } = this.#parts;
    if (message.type === "pericard/fetch-back") return requests.ask(message, name, gone);
    // A status that does not wait is carried to its end: its client may come back to hear what it brought.
    return relay.poll(message, name, { waitSeconds, gone: waitSeconds > 0 ? gone : this.#nobody.signal });
  }
}

function bytesOf(payload: string | Uint8Array): Uint8Array {
  if (typeof payload === "string") return new TextEncoder().encode(payload);
  return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** What a client is told of an error: the same as over HTTP. */
function replyOf(error: unknown) {
  const { problem, headers } = refusalOf(error);
  const retryAfter = headers["retry-after"];
  return {
    status: problem.status,
    code: problem.code,
    retryAfterSeconds: retryAfter === undefined ? null : Number(retryAfter),
  };
}
