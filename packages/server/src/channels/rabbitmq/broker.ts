/** The connection to a RabbitMQ broker, and what server and worker must agree on. Source: docs/format.md §10.6. */
import { readFileSync } from "node:fs";
import { Connection } from "rabbitmq-client";
import type { BrokerConfig } from "../../config.ts";
import { ServerError } from "../../errors.ts";

/** Deliveries of one message before it is put aside: each ended with a worker that died over it. */
const DELIVERIES_MAX = 5;
/** How long the replies to a server that is gone are kept. */
const REPLIES_EXPIRE_MS = 10 * 60_000;

/** Name of a volume's queue. */
export function queueOf(volumeId: string): string {
  return `pericard.volume.${volumeId}`;
}

/** Where a volume's messages go that no worker could take. Nothing reads it but people. */
export function deadQueueOf(volumeId: string): string {
  return `${queueOf(volumeId)}.dead`;
}

/** A volume's queues as they are declared: replicated, synced before they confirm, and never silent about a message that they give up. */
export function declareQueues(volumeId: string) {
  const dead = { queue: deadQueueOf(volumeId), durable: true, arguments: { "x-queue-type": "quorum" as const } };
  const live = {
    queue: queueOf(volumeId),
    durable: true,
    arguments: {
      "x-queue-type": "quorum" as const,
      "x-delivery-limit": DELIVERIES_MAX,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": dead.queue,
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish" as const,
    },
  };
  return { live, dead };
}

/** A server's queue of replies. It outlives a connection, so that replies find their way after an interruption. */
export function declareReplies(name: string) {
  return { queue: name, durable: true, arguments: { "x-expires": REPLIES_EXPIRE_MS } };
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new ServerError("ERR_SERVER_CONFIG", `password of the broker cannot be read from ${path}`, { cause });
  }
}

/**
 * Connects to the broker, now and whenever the connection is lost. Errors of the connection are told to `onError`.
 *
 * @throws {ServerError} ERR_SERVER_CONFIG when the password cannot be read. A broker that is away is no error here.
 */
export function connectBroker({ rabbitmq, passwordFile }: BrokerConfig, onError: (error: unknown) => void): Connection {
  const url = new URL(rabbitmq);
  const connection = new Connection({
    hostname: url.hostname,
    port: url.port === "" ? (url.protocol === "amqps:" ? 5671 : 5672) : Number(url.port),
    username: decodeURIComponent(url.username),
    password: readPassword(passwordFile),
    vhost: url.pathname.length > 1 ? decodeURIComponent(url.pathname.slice(1)) : "/",
    tls: url.protocol === "amqps:",
    // A small message must not wait for the one before it.
    noDelay: true,
    frameMax: 128 * 1024,
    heartbeat: 10,
    connectionTimeout: 5000,
    acquireTimeout: 5000,
    retryLow: 200,
    retryHigh: 2000,
  });
  connection.on("error", onError);
  return connection;
}
