/** What a worker is told, in a file of its own or a server's. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readWorkerConfig } from "../src/worker/index.ts";
import { temporaryFolder } from "./support/test-server.ts";

const BUCKET = { bucket: "heart-1", endpoint: "http://127.0.0.1:9000", accessKeyId: "key", secretFile: "s3-secret" };
const OTHER = { ...BUCKET, bucket: "heart-2", region: "eu-1", secretFile: "/run/s3" };
const channel = { rabbitmq: "amqp://me@127.0.0.1:5672/site", passwordFile: "amqp-password" };
const catalog = { postgresql: "postgresql://me@127.0.0.1:5432/heart", passwordFile: "/run/pg" };
const GOOD = { volumes: [BUCKET, OTHER], channel, catalog };

function fileOf(value: unknown): string {
  const path = join(temporaryFolder(), "worker.json");
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

test("buckets, broker and database are taken, paths from the file's folder, and nothing else", () => {
  const path = fileOf({
    ...GOOD,
    format: "pericard/server",
    uploadClients: [{ name: "g", token: "secret-of-an-upload" }],
  });
  const inFolder = (name: string): string => join(path, "..", name);
  expect(readWorkerConfig(path)).toEqual({
    buckets: [{ ...BUCKET, region: "us-east-1", secretFile: inFolder("s3-secret") }, OTHER],
    channel: { ...channel, passwordFile: inFolder("amqp-password") },
    catalog,
  });
});

test("some of the buckets are served when they are named", () => {
  expect(readWorkerConfig(fileOf(GOOD), ["heart-2"]).buckets.map(({ bucket }) => bucket)).toEqual(["heart-2"]);
  expect(() => readWorkerConfig(fileOf(GOOD), ["heart-3"])).toThrow(/there is no bucket heart-3/);
});

test.each([
  ["nothing", "", /cannot be read/],
  ["no object", "null", /names no volumes/],
  ["no volumes", { ...GOOD, volumes: [] }, /names no volumes/],
  ["a folder", { ...GOOD, volumes: ["volume-1"] }, /volume-1 is a folder/],
  ["a bucket without a secret", { ...GOOD, volumes: [{ ...BUCKET, secretFile: "" }] }, /lacks secretFile/],
  ["no broker", { ...GOOD, channel: undefined }, /channel lacks rabbitmq/],
  ["a broker of another kind", { ...GOOD, channel: { ...channel, rabbitmq: "http://me@host" } }, /is not amqp/],
  ["no database", { ...GOOD, catalog: undefined }, /a database lacks postgresql/],
])("a file with %s is refused", (_, value, message) => {
  const path = fileOf(value);
  expect(() => readWorkerConfig(path)).toThrow(expect.objectContaining({ code: "ERR_SERVER_CONFIG" }));
  expect(() => readWorkerConfig(path)).toThrow(message);
});

test("a password in the broker's address is refused, and not repeated", () => {
  const path = fileOf({ ...GOOD, channel: { ...channel, rabbitmq: "amqp://me:hidden@host" } });
  expect(() => readWorkerConfig(path)).toThrow(/password in it/);
  expect(() => readWorkerConfig(path)).not.toThrow(/hidden/);
});
