/** What a server is told: the checks of a configuration and of the settings file. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parsePostgresql } from "../src/catalog/postgresql/address.ts";
import { checkServerConfig, SERVER_DEFAULTS, type BucketConfig, type ServerConfig } from "../src/config.ts";
import { configOf, defaultSettings, findSettings, writeSettings } from "../src/settings.ts";
import { temporaryFolder } from "./support/test-server.ts";

const CONFIG: ServerConfig = {
  ...SERVER_DEFAULTS,
  dataPath: "/nowhere",
  volumePaths: ["/nowhere/a", "/nowhere/b"],
  uploadClients: [],
  viewerPath: undefined,
};

const BUCKET: BucketConfig = {
  bucket: "heart-1",
  endpoint: "https://s3.example:9000",
  region: "us-east-1",
  accessKeyId: "key",
  secretFile: "/run/secret",
};

describe("a configuration is refused with", () => {
  const wrong: readonly [string, Partial<ServerConfig>][] = [
    ["a port below 0", { port: -1 }],
    ["a port above 65535", { port: 65_536 }],
    ["a port that is no integer", { port: 1.5 }],
    ["no copies", { copyCount: 0 }],
    ["one and a half copies", { copyCount: 1.5 }],
    ["more copies than volumes", { copyCount: 3 }],
    ["copies that are no number", { copyCount: Number.NaN }],
    ["no volumes", { volumePaths: [] }],
    ["one volume twice", { volumePaths: ["/tmp/a", "/tmp/b/../a"] }],
    ["one bucket twice", { buckets: [BUCKET, { ...BUCKET, accessKeyId: "other" }] }],
    ["a bucket of no name", { buckets: [{ ...BUCKET, bucket: "Heart/1" }] }],
    ["a bucket whose address has a password", { buckets: [{ ...BUCKET, endpoint: "https://me:secret@s3.example" }] }],
    ["a small buffer", { bufferBytesMax: 1000 }],
    ["a buffer that is no number", { bufferBytesMax: Number.NaN }],
  ];

  test.each(wrong)("%s", (_, change) => {
    const config = { ...CONFIG, ...change };
    expect(() => checkServerConfig(config)).toThrow(expect.objectContaining({ code: "ERR_SERVER_CONFIG" }));
  });

  test("nothing wrong is taken", () => {
    expect(checkServerConfig(CONFIG)).toBe(CONFIG);
    const more = { ...CONFIG, copyCount: 3, buckets: [BUCKET] };
    expect(checkServerConfig(more)).toBe(more);
  });
});

describe("settings", () => {
  const client = { name: "gateway", token: "token-of-16-chars" };

  test("read back as they were written, and relative volumes lie in the data folder", () => {
    const path = join(temporaryFolder(), "data");
    expect(findSettings(path)).toBeUndefined();
    const settings = { ...defaultSettings([client]), volumes: ["one", "/mnt/two"] };
    writeSettings(path, settings);
    expect(findSettings(path)).toEqual(settings);
    const config = configOf(path, settings, undefined);
    expect(config.volumePaths).toEqual([join(path, "one"), "/mnt/two"]);
    checkServerConfig(config);
  });

  test("name the catalog's database, with its password in a file", () => {
    const path = temporaryFolder();
    const postgresql = "postgresql://pericard@db.example:5433/catalog";
    writeSettings(path, {
      ...defaultSettings([client]),
      catalog: { postgresql, passwordFile: "db-password", caFile: "/etc/ca.pem" },
    });
    const settings = findSettings(path);
    expect(settings?.catalog).toEqual({ postgresql, passwordFile: "db-password", caFile: "/etc/ca.pem" });
    const config = settings && configOf(path, settings, undefined);
    expect(config?.catalog).toEqual({ postgresql, passwordFile: join(path, "db-password"), caFile: "/etc/ca.pem" });
  });

  test.each([
    null,
    7,
    {},
    { postgresql: "postgresql://a@b/c" },
    { postgresql: 1, passwordFile: "x" },
    { postgresql: "a", passwordFile: "b", password: "c" },
  ])("with the catalog %j are refused", (catalog) => {
    const path = temporaryFolder();
    writeSettings(path, { ...defaultSettings([client]), catalog: catalog as never });
    expect(() => findSettings(path)).toThrow(expect.objectContaining({ code: "ERR_SERVER_CONFIG" }));
  });

  test("name buckets among the volumes, with their secrets in files", () => {
    const path = join(temporaryFolder(), "data");
    const { region: _, ...bucket } = { ...BUCKET, secretFile: "s3-secret" };
    mkdirSync(path, { recursive: true });
    const volumes = ["one", bucket];
    writeFileSync(join(path, "server.json"), JSON.stringify({ ...good, volumes }));
    const settings = findSettings(path);
    expect(settings?.volumes).toEqual(["one", { ...BUCKET, secretFile: "s3-secret" }]);
    const config = settings && configOf(path, settings, undefined);
    expect(config?.volumePaths).toEqual([join(path, "one")]);
    expect(config?.buckets).toEqual([{ ...BUCKET, secretFile: join(path, "s3-secret") }]);
  });

  const good = { format: "pericard/server", version: 1, ...defaultSettings([client]) };
  test.each([
    "",
    "null",
    "[]",
    "not json",
    JSON.stringify({ ...good, version: 2 }),
    JSON.stringify({ ...good, format: "other" }),
    JSON.stringify({ ...good, volumes: "a" }),
    JSON.stringify({ ...good, volumes: [{ ...BUCKET, secretFile: undefined }] }),
    JSON.stringify({ ...good, volumes: [null] }),
    JSON.stringify({ ...good, port: "80" }),
    JSON.stringify({ ...good, copyCount: -1 }),
    JSON.stringify({ ...good, uploadClients: [{ name: "g", token: "short" }] }),
    JSON.stringify({ ...good, uploadClients: [null] }),
  ])("that read %s are refused", (text) => {
    const path = join(temporaryFolder(), "data");
    mkdirSync(path);
    writeFileSync(join(path, "server.json"), text);
    expect(() => findSettings(path)).toThrow(expect.objectContaining({ code: "ERR_SERVER_CONFIG" }));
  });
});

const parse = (postgresql: string) => parsePostgresql({ postgresql, passwordFile: "/nowhere" });

describe("a database's address", () => {
  test("is read as it is written", () => {
    expect(parse("postgresql://me@127.0.0.1/heart")).toMatchObject({
      host: "127.0.0.1",
      port: 5432,
      user: "me",
      database: "heart",
      ssl: false,
    });
    expect(parse("postgres://m%20e@[::1]:5433/a%2Db")).toMatchObject({
      host: "::1",
      port: 5433,
      user: "m e",
      database: "a-b",
    });
  });

  test("leaves this machine under TLS alone, unless the network is said to be trusted", () => {
    expect(parse("postgresql://me@db.example/heart").ssl).toEqual({ rejectUnauthorized: true });
    expect(parse("postgresql://me@127.0.0.1/heart?sslmode=verify-full").ssl).toEqual({ rejectUnauthorized: true });
    expect(parse("postgresql://me@db.example/heart?sslmode=disable").ssl).toBe(false);
  });

  test.each([
    "",
    "heart",
    "http://me@db.example/heart",
    "postgresql://me:secret@db.example/heart",
    "postgresql://db.example/heart",
    "postgresql://me@db.example",
    "postgresql://me@db.example/a/b",
    "postgresql://me@db.example/heart?sslmode=require",
    "postgresql://me@db.example/heart?options=-c%20synchronous_commit%3Doff",
    "postgresql://me@db.example/%ff",
  ])("%s is refused, and not repeated", (address) => {
    const refusal = expect.objectContaining({
      code: "ERR_SERVER_CONFIG",
      message: expect.not.stringContaining("secret"),
    });
    expect(() => parse(address)).toThrow(refusal);
  });
});
