/** What settings say of engines: buckets, a broker, a database. Servers and workers read the same. */
import type { PostgresqlConfig } from "./catalog/postgresql/address.ts";
import type { BrokerConfig, BucketConfig } from "./config.ts";

/** Region of S3 servers that know none. */
const REGION = "us-east-1";

function requireTexts<T>(what: string, fields: Readonly<Record<keyof T, unknown>>): T {
  for (const [name, field] of Object.entries(fields)) {
    if (typeof field !== "string" || field === "") throw new TypeError(`${what} lacks ${name}`);
  }
  return fields as T;
}

/** A volume: a folder's path or a bucket. @throws {TypeError}. */
export function parseVolume(value: unknown): string | BucketConfig {
  if (typeof value === "string") return value;
  const { bucket, endpoint, region = REGION, accessKeyId, secretFile } = (value ?? {}) as Record<string, unknown>;
  return requireTexts<BucketConfig>("a volume that is a bucket", { bucket, endpoint, region, accessKeyId, secretFile });
}

/** The message broker that is the channel. @throws {TypeError}. Messages do not repeat an address: a password may be in it. */
export function parseBroker(value: unknown): BrokerConfig {
  const { rabbitmq, passwordFile } = (value ?? {}) as Record<string, unknown>;
  const broker = requireTexts<BrokerConfig>("channel", { rabbitmq, passwordFile });
  const url = URL.parse(broker.rabbitmq);
  if (!url || !/^amqps?:$/.test(url.protocol) || url.hostname === "" || url.username === "") {
    throw new TypeError("channel.rabbitmq is not amqp://user@host:port");
  }
  if (url.password !== "") throw new TypeError("channel.rabbitmq has a password in it; put it into passwordFile");
  return broker;
}

/** A database. The form alone: what the address says is checked by whoever opens it. @throws {TypeError}. */
export function parseDatabase(value: unknown): PostgresqlConfig {
  const { postgresql, passwordFile, caFile, ...others } = (value ?? {}) as Record<string, unknown>;
  const unknown = Object.keys(others);
  if (unknown.length > 0) throw new TypeError(`a database has an unknown field: ${unknown.join(", ")}`);
  const place = requireTexts<Omit<PostgresqlConfig, "caFile">>("a database", { postgresql, passwordFile });
  return caFile === undefined ? place : requireTexts<PostgresqlConfig>("a database", { ...place, caFile });
}
