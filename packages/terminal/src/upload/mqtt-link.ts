/** One connection to a gateway by MQTT 3.1.1, from CONNECT to its end. Source: docs/format.md §9.5. */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { MqttClient } from "mqtt";
import {
  encodeMail,
  MAIL_ANSWER_BYTES_MAX,
  MAIL_MESSAGES_MAX,
  MqttAnswer,
  MqttPacketMeter,
  mqttTail,
  mqttTopic,
  ProtocolError,
  toHex,
  type MqttDirection,
  type RoutingId,
} from "@pericard/protocol";
import { TerminalError } from "../errors.ts";
import type { TlsTrust, WayAnswer } from "./transport.ts";

/** Where a gateway listens, and how long it may take to answer CONNECT. */
export interface MqttPlace {
  readonly url: URL;
  readonly token: string;
  readonly tls: TlsTrust;
  readonly connectTimeoutMs: number;
}

/** What becomes of one message. */
export interface MqttPost {
  readonly routing: RoutingId;
  readonly direction: Exclude<MqttDirection, "down">;
  readonly body: Uint8Array;
  /** Whether its answer is waited for, and not its acknowledgement alone. */
  readonly asks: boolean;
}

interface Pending {
  readonly post: MqttPost;
  readonly resolve: (answer: WayAnswer) => void;
  readonly reject: (error: TerminalError) => void;
  answer: MqttAnswer | undefined;
}

const PORTS: Readonly<Record<string, number>> = { "mqtt:": 1883, "mqtts:": 8883 };
const KEEPALIVE_SECONDS = 30;

/** Mail that waits to be taken by a post. */
const MAIL_KEPT_BYTES_MAX = 4 * MAIL_ANSWER_BYTES_MAX;
const MAIL_KEPT_MAX = 4 * MAIL_MESSAGES_MAX;

/** A packet of a gateway, at most: an answer with its topic. */
const PACKET_BYTES_MAX = MAIL_ANSWER_BYTES_MAX + 1024;

function unreachable(cause: unknown): TerminalError {
  return new TerminalError("ERR_UPLOAD_UNREACHABLE", "upload target does not answer", { cause });
}

/** A socket whose packets are none too long: what reads them collects each before it looks at it. */
function openSocket({ url, tls }: MqttPlace): Socket {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? (PORTS[url.protocol] ?? 0) : Number(url.port);
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket =
    url.protocol === "mqtts:"
      ? connectTls({ host, port, minVersion: "TLSv1.2", ...name, ...tls })
      : connectTcp(port, host);
  const meter = new MqttPacketMeter({ begin: (sizeBytes) => sizeBytes <= PACKET_BYTES_MAX, end: () => undefined });
  socket.on("data", (bytes: Uint8Array) => {
    if (!meter.take(bytes)) socket.destroy(new Error("packet is longer than an answer"));
  });
  return socket;
}

/** A connection, and what is on its way by it. */
export class MqttLink {
  readonly #client: MqttClient;
  readonly #pending = new Map<string, Pending>();
  readonly #heard = new Map<RoutingId, Promise<void>>();
  #mail: Uint8Array[] = [];
  #ended: TerminalError | undefined;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on("message", (_topic: string, payload: Uint8Array) => this.#take(payload));
    client.on("close", () => this.#end(new Error("connection was closed")));
    client.on("error", (error: Error) => this.#end(error));
  }

  /** Connects. @throws {TerminalError} ERR_UPLOAD_UNREACHABLE, also when the gateway does not know the terminal. */
  static async open(place: MqttPlace): Promise<MqttLink> {
    const { MqttClient: Client } = await import("mqtt");
    const client = new Client(() => openSocket(place), {
      protocolVersion: 4,
      clean: true,
      clientId: "",
      username: "terminal",
      password: place.token,
      keepalive: KEEPALIVE_SECONDS,
      reconnectPeriod: 0,
      connectTimeout: place.connectTimeoutMs,
      resubscribe: false,
    });
    const link = new MqttLink(client);
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.once("error", (error: Error) => reject(unreachable(error)));
      client.once("close", () => reject(unreachable(new Error("connection was closed"))));
    });
    return link;
  }

  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Sends a message. @throws {TerminalError} ERR_UPLOAD_UNREACHABLE. */
  async post(post: MqttPost, signal: AbortSignal): Promise<WayAnswer> {
    await this.#hear(post.routing);
    const key = toHex(mqttTail(post.body));
    return new Promise<WayAnswer>((resolve, reject) => {
      const giveUp = (): void => reject(unreachable(signal.reason));
      if (this.#ended) return reject(this.#ended);
      if (signal.aborted) return giveUp();
      signal.addEventListener("abort", giveUp, { once: true });
      const pending: Pending = { post, resolve, reject, answer: undefined };
      this.#pending.set(key, pending);
      this.#client.publish(mqttTopic(post.routing, post.direction), Buffer.from(post.body), { qos: 1 }, (error) => {
        if (!error) this.#acknowledged(key, pending);
      });
    }).finally(() => this.#pending.delete(key));
  }

  close(): void {
    this.#end(new Error("connection is not needed any more"));
  }

  /** Subscribes to a terminal's answers, once. */
  #hear(routing: RoutingId): Promise<void> {
    const known = this.#heard.get(routing);
    if (known) return known;
    const heard = new Promise<void>((resolve, reject) => {
      this.#client.once("close", () => reject(unreachable(new Error("connection was closed"))));
      this.#client.subscribe(mqttTopic(routing, "down"), { qos: 1 }, (error) =>
        error ? reject(unreachable(error)) : resolve(),
      );
    });
    this.#heard.set(routing, heard);
    return heard;
  }

  /** The message is spooled, or on its way when it asks: then its answer is still to come. */
  #acknowledged(key: string, pending: Pending): void {
    if (this.#pending.get(key) !== pending) return;
    if (!pending.post.asks) this.#settle(pending, pending.answer?.status ?? 202);
    else if (pending.post.direction === "up/wait" && this.#mail.length > 0) this.#settle(pending, 200);
  }

  #take(payload: Uint8Array): void {
    const answer = readAnswer(payload);
    if (!answer) return;
    this.#keepMail(answer.mail);
    const pending = answer.tail && this.#pending.get(toHex(answer.tail));
    if (pending) pending.answer = answer;
    const isRefused = answer.status >= 300;
    if (pending && (pending.post.asks || isRefused)) this.#settle(pending, answer.status);
    // A gateway ends the connection by which a message came that it refuses.
    if (pending && isRefused && !pending.post.asks) this.#end(new Error("gateway refused a message"));
    if (!pending && answer.mail.length > 0) this.#tellWaiting();
  }

  /** Over the bound the oldest goes: the server says again what it must. */
  #keepMail(messages: readonly Uint8Array[]): void {
    this.#mail.push(...messages);
    let sizeBytes = this.#mail.reduce((sum, { length }) => sum + length, 0);
    while (sizeBytes > MAIL_KEPT_BYTES_MAX || this.#mail.length > MAIL_KEPT_MAX)
      sizeBytes -= this.#mail.shift()?.length ?? 0;
  }

  /** Mail that came by itself answers whoever waits for mail. */
  #tellWaiting(): void {
    for (const pending of this.#pending.values()) {
      if (pending.post.direction === "up/wait") return this.#settle(pending, 200);
    }
  }

  #settle({ resolve, answer }: Pending, status: number): void {
    const retryAfterSeconds = answer?.retryAfterSeconds ?? null;
    resolve({
      status,
      mail: status < 300 ? this.#takeMail() : null,
      problemCode: answer?.code ?? null,
      retryAfterMs: retryAfterSeconds === null ? null : 1000 * retryAfterSeconds,
      cutOff: answer?.cutOff ?? false,
    });
  }

  /** What came and fits into one answer; the rest goes with the next. */
  #takeMail(): Uint8Array | null {
    const taken: Uint8Array[] = [];
    let sizeBytes = 3;
    for (const message of this.#mail) {
      sizeBytes += message.length + 5;
      if (sizeBytes > MAIL_ANSWER_BYTES_MAX || taken.length === MAIL_MESSAGES_MAX) break;
      taken.push(message);
    }
    this.#mail = this.#mail.slice(taken.length);
    return taken.length === 0 ? null : encodeMail(taken);
  }

  #end(cause: Error): void {
    if (this.#ended) return;
    this.#ended = unreachable(cause);
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#client.end(true);
  }
}

/** An answer, or undefined when the bytes are none: it is as if nothing had come. */
function readAnswer(payload: Uint8Array): MqttAnswer | undefined {
  try {
    return MqttAnswer.decode(new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength));
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
