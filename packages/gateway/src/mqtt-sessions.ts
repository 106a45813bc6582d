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
import {
  MQTT_WAIT_SECONDS,
  MqttAnswer,
  mqttTail,
  mqttTopic,
  parseMqttTopic,
  type MqttTopic,
  type RoutingId,
} from "@pericard/protocol";
import { peerName, type ClientRegistry } from "./clients.ts";
import type { ClientConfig } from "./config.ts";
import { GatewayError } from "./errors.ts";
import type { Defer } from "./group-commit.ts";
import { MQTT_CONNECTIONS_PER_CLIENT_MAX, MQTT_SUBSCRIPTIONS_MAX } from "./limits.ts";
import { readClientMessage, type ClientMessage } from "./message.ts";
import { mailboxKey, type Mirror } from "./mirror.ts";
import type { RequestRelay } from "./request-relay.ts";
import { refusalOf } from "./refusals.ts";
import type { Spool } from "./spool.ts";
import type { PollEnd, StatusRelay } from "./status-relay.ts";

/** What sessions work with. */
export interface MqttParts {
  readonly clients: ClientRegistry;
  readonly spool: Pick<Spool, "admit">;
  readonly mirror: Mirror;
  readonly relay: StatusRelay;
  readonly requests: RequestRelay;
  readonly isCutOff: () => boolean;
  readonly defer: Defer;
  /** Told of each refusal, for the log. */
  readonly onRefused: (code: string, client: string) => void;
}

interface Session {
  readonly config: ClientConfig;
  /** What ends each subscription, by the topic's name. */
  readonly subscriptions: Map<string, () => void>;
  readonly gone: AbortController;
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
  readonly #sessions = new WeakMap<Client, Session>();
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
    const session = this.#sessions.get(client);
    for (const topic of topics) {
      session?.subscriptions.get(topic)?.();
      session?.subscriptions.delete(topic);
    }
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
    const { name } = config;
    const count = this.#connectionCounts.get(name) ?? 0;
    if (count >= MQTT_CONNECTIONS_PER_CLIENT_MAX) return refusedConnect("too many connections", UNAVAILABLE);
    this.#connectionCounts.set(name, count + 1);
    // Nobody ends another client's connection by using its identifier.
    Object.assign(client, { id: `${name}/${client.id}` });
    const session = { config, subscriptions: new Map<string, () => void>(), gone: new AbortController() };
    this.#sessions.set(client, session);
    client.conn.once("close", () => this.#leave(session));
    return null;
  }

  #leave({ config: { name }, subscriptions, gone }: Session): void {
    const count = (this.#connectionCounts.get(name) ?? 1) - 1;
    if (count === 0) this.#connectionCounts.delete(name);
    else this.#connectionCounts.set(name, count);
    for (const end of subscriptions.values()) end();
    subscriptions.clear();
    gone.abort();
  }

  /** Takes a message: null when it is acknowledged, or why it is not. */
  async #failureOf(client: Client | null, packet: PublishPacket): Promise<Error | null> {
    try {
      await this.#publish(client, packet);
      return null;
    } catch (error) {
      return error instanceof Error ? error : new Error("message was refused");
    }
  }

  async #publish(client: Client | null, packet: PublishPacket): Promise<void> {
    const session = client && this.#sessions.get(client);
    if (!client || !session) throw new GatewayError("ERR_CLIENT_UNKNOWN", "nobody is connected");
    const bytes = bytesOf(packet.payload);
    const topic = parseMqttTopic(packet.topic);
    try {
      await this.#take(client, session, topic, packet, bytes);
    } catch (error) {
      const { problem, headers } = refusalOf(error);
      this.#parts.onRefused(problem.code, session.config.name);
      if (topic) {
        const retryAfterSeconds = headers["retry-after"] === undefined ? null : Number(headers["retry-after"]);
        const answer = { status: problem.status, cutOff: false, code: problem.code, retryAfterSeconds, mail: [] };
        await this.#send(client, session, topic.routing, { ...answer, tail: tailOf(bytes) });
        await ended(client);
      }
      throw error;
    }
  }

  /** Kept when the message is spooled, or on its way when it is a status. */
  async #take(
    client: Client,
    session: Session,
    topic: MqttTopic | undefined,
    { qos, retain }: PublishPacket,
    bytes: Uint8Array,
  ): Promise<void> {
    if (!topic || topic.direction === "down")
      throw new GatewayError("ERR_MQTT_TOPIC", "nothing is taken under this topic");
    if (qos !== 1 || retain) throw new GatewayError("ERR_MQTT_QOS", "messages are taken with QoS 1 and without retain");
    this.#parts.clients.requireSpeaksFor(session.config, topic.routing);
    const message = readClientMessage(bytes);
    if (message.routing !== topic.routing) {
      throw new GatewayError("ERR_ROUTING_MISMATCH", "message is of another terminal than its topic");
    }
    if (message.type === "pericard/status" || message.type === "pericard/fetch-back") {
      void this.#pass(client, session, message, topic.direction === "up/wait" ? MQTT_WAIT_SECONDS : 0);
      return;
    }
    await this.#parts.spool.admit(message, session.config);
    const key = mailboxKey(session.config.name, message.routing);
    if (this.#parts.isCutOff() || this.#parts.mirror.has(key)) await this.#answer(client, session, message, 202);
  }

  /** Passes on what is never spooled, and answers it when its answer is there. */
  async #pass(client: Client, session: Session, message: ClientMessage, waitSeconds: number): Promise<void> {
    try {
      const end = await this.#ask(session, message, waitSeconds);
      if (end.kind === "refused") await this.#answer(client, session, message, end.status, end.code);
      else await this.#answer(client, session, message, 200, null, end.kind === "unreachable");
    } catch (error) {
      const { problem } = refusalOf(error);
      await this.#answer(client, session, message, problem.status, problem.code);
    }
  }

  #ask({ config: { name }, gone }: Session, message: ClientMessage, waitSeconds: number): Promise<PollEnd> {
    const { relay, requests } = this.#parts;
    if (message.type === "pericard/fetch-back") return requests.ask(message, name, gone.signal);
    // A status that does not wait is carried to its end: its client may come back to hear what it brought.
    return relay.poll(message, name, { waitSeconds, gone: waitSeconds > 0 ? gone.signal : this.#nobody.signal });
  }

  /** Answers a message, with the mail that waits. */
  async #answer(
    client: Client,
    session: Session,
    { routing, bytes }: ClientMessage,
    status: number,
    code: string | null = null,
    isUnreachable = false,
  ): Promise<void> {
    const cutOff = isUnreachable || this.#parts.isCutOff();
    const mail = this.#takeMail(session, routing);
    await this.#send(client, session, routing, {
      status,
      cutOff,
      code,
      retryAfterSeconds: null,
      tail: tailOf(bytes),
      mail,
    });
  }

  #subscribe(client: Client, subscription: Subscription): Subscription | null {
    const session = this.#sessions.get(client);
    const topic = parseMqttTopic(subscription.topic);
    if (!session || topic?.direction !== "down" || !this.#parts.clients.speaksFor(session.config, topic.routing)) {
      return null;
    }
    if (session.subscriptions.size >= MQTT_SUBSCRIPTIONS_MAX) return null;
    const deliver = (): void => void this.#deliver(client, session, topic.routing);
    const key = mailboxKey(session.config.name, topic.routing);
    session.subscriptions.get(subscription.topic)?.();
    session.subscriptions.set(subscription.topic, this.#parts.mirror.onMail(key, deliver));
    this.#parts.defer(deliver);
    return { ...subscription, qos: subscription.qos === 0 ? 0 : 1 };
  }

  /** Hands on mail that came by itself. */
  async #deliver(client: Client, session: Session, routing: RoutingId): Promise<void> {
    const mail = this.#takeMail(session, routing);
    if (mail.length === 0) return;
    const cutOff = this.#parts.isCutOff();
    await this.#send(client, session, routing, {
      status: 200,
      cutOff,
      code: null,
      retryAfterSeconds: null,
      tail: null,
      mail,
    });
  }

  /** What waits, when the client hears it: otherwise it waits on. */
  #takeMail(session: Session, routing: RoutingId): readonly Uint8Array[] {
    const hears = !session.gone.signal.aborted && session.subscriptions.has(mqttTopic(routing, "down"));
    return hears ? this.#parts.mirror.take(mailboxKey(session.config.name, routing)) : [];
  }

  /** Kept when the bytes are with the connection; a client that does not hear, or is gone, is sent nothing. */
  async #send(client: Client, session: Session, routing: RoutingId, answer: MqttAnswer): Promise<void> {
    const topic = mqttTopic(routing, "down");
    if (session.gone.signal.aborted || !session.subscriptions.has(topic)) return;
    const payload = Buffer.from(MqttAnswer.encode(answer));
    const packet = { cmd: "publish", topic, payload, qos: 1, retain: false, dup: false } as const;
    await new Promise<void>((resolve) => client.publish({ ...packet }, () => resolve()));
  }
}

function bytesOf(payload: string | Uint8Array): Uint8Array {
  if (typeof payload === "string") return new TextEncoder().encode(payload);
  return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
}

function tailOf(bytes: Uint8Array): Uint8Array | null {
  const tail = mqttTail(bytes);
  return tail.length === 16 ? tail : null;
}

/** Kept when everything that was written has left; the connection takes nothing more. */
async function ended(client: Client): Promise<void> {
  if (client.conn.destroyed) return;
  await new Promise<void>((resolve) => {
    client.conn.once("close", () => resolve());
    client.conn.end(() => resolve());
  });
}
