/** One client that is connected by MQTT: what it hears, and how it is answered. Source: docs/format.md §9.5. */
import type { Client } from "aedes";
import { MQTT_TAIL_BYTES, MqttAnswer, mqttTail, mqttTopic, type RoutingId } from "@pericard/protocol";
import type { ClientConfig } from "./config.ts";
import type { Defer } from "./group-commit.ts";
import { MQTT_SUBSCRIPTIONS_MAX } from "./limits.ts";
import { mailboxKey, type Mirror } from "./mirror.ts";

/** What a session works with. */
export interface MqttSessionParts {
  readonly mirror: Mirror;
  readonly isCutOff: () => boolean;
  readonly defer: Defer;
}

/** An answer, but for the mail that goes with it. */
export type MqttReply = Pick<MqttAnswer, "status" | "code"> & Partial<Omit<MqttAnswer, "tail" | "mail">>;

/** A client from its CONNECT on. */
export class MqttSession {
  readonly config: ClientConfig;
  readonly #client: Client;
  readonly #parts: MqttSessionParts;
  readonly #gone = new AbortController();
  /** What ends each subscription, by the topic's name. */
  readonly #subscriptions = new Map<string, () => void>();

  constructor(client: Client, config: ClientConfig, parts: MqttSessionParts) {
    this.config = config;
    this.#client = client;
    this.#parts = parts;
    client.conn.once("close", () => this.#leave());
  }

  /** Aborted when the connection has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether mail waits for a terminal. */
  hasMail(routing: RoutingId): boolean {
    return this.#parts.mirror.has(mailboxKey(this.config.name, routing));
  }

  /** Hears a terminal's answers from now on, what waits first. False when it hears too many. */
  hear(routing: RoutingId): boolean {
    if (this.#subscriptions.size >= MQTT_SUBSCRIPTIONS_MAX) return false;
    const topic = mqttTopic(routing, "down");
    const deliver = (): void => void this.#deliver(routing);
    this.unhear(topic);
    this.#subscriptions.set(topic, this.#parts.mirror.onMail(mailboxKey(this.config.name, routing), deliver));
    this.#parts.defer(deliver);
    return true;
  }

  unhear(topic: string): void {
    this.#subscriptions.get(topic)?.();
    this.#subscriptions.delete(topic);
  }

  /** Answers a message, with the mail that waits when the message was taken. Kept when the bytes are with the connection. */
  async answer(routing: RoutingId, message: Uint8Array, reply: MqttReply): Promise<void> {
    const tail = mqttTail(message);
    await this.#send(routing, {
      cutOff: this.#parts.isCutOff(),
      retryAfterSeconds: null,
      ...reply,
      tail: tail.length === MQTT_TAIL_BYTES ? tail : null,
      mail: reply.code === null ? this.#takeMail(routing) : [],
    });
  }

  /** Ends the connection when everything that was written has left. */
  async end(): Promise<void> {
    const { conn } = this.#client;
    if (conn.destroyed) return;
    await new Promise<void>((resolve) => {
      conn.once("close", () => resolve());
      conn.end(() => resolve());
    });
  }

  #leave(): void {
    for (const topic of this.#subscriptions.keys()) this.unhear(topic);
    this.#gone.abort();
  }

  /** Hands on mail that came by itself. */
  async #deliver(routing: RoutingId): Promise<void> {
    const mail = this.#takeMail(routing);
    if (mail.length === 0) return;
    const cutOff = this.#parts.isCutOff();
    await this.#send(routing, { status: 200, cutOff, code: null, retryAfterSeconds: null, tail: null, mail });
  }

  #hears(topic: string): boolean {
    return !this.gone.aborted && this.#subscriptions.has(topic);
  }

  /** What waits, when the client hears it: otherwise it waits on. */
  #takeMail(routing: RoutingId): readonly Uint8Array[] {
    return this.#hears(mqttTopic(routing, "down"))
      ? this.#parts.mirror.take(mailboxKey(this.config.name, routing))
      : [];
  }

  /** A client that does not hear, or is gone, is sent nothing. */
  async #send(routing: RoutingId, answer: MqttAnswer): Promise<void> {
    const topic = mqttTopic(routing, "down");
    if (!this.#hears(topic)) return;
    const payload = Buffer.from(MqttAnswer.encode(answer));
    const packet = { cmd: "publish", topic, payload, qos: 1, retain: false, dup: false } as const;
    await new Promise<void>((resolve) => this.#client.publish({ ...packet }, () => resolve()));
  }
}
