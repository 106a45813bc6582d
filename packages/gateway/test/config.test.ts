import { describe, expect, test } from "vitest";
import { GatewayError, readGatewayConfig, startGateway } from "@pericard/gateway";

const token = "0123456789abcdef";

const valid = {
  port: 8090,
  folderPath: "/var/lib/pericard/gateway",
  clients: [{ name: "ward-3.gateway", token }],
  upstreams: [{ url: "https://server.example/pericard/", token: "fedcba9876543210" }],
};

test("a short configuration is filled in", () => {
  expect(readGatewayConfig(valid)).toEqual({
    host: "127.0.0.1",
    port: 8090,
    folderPath: "/var/lib/pericard/gateway",
    spoolBytesMax: 2 * 1024 ** 3,
    clients: [{ name: "ward-3.gateway", token, spoolBytesMax: 2 * 1024 ** 3 }],
    upstreams: [{ url: "https://server.example/pericard/", token: "fedcba9876543210", timeoutMs: 30_000 }],
  });
});

test("a full configuration stays as it is, and a checked one passes again", () => {
  const full = {
    ...valid,
    host: "::1",
    spoolBytesMax: 65_536,
    clients: [
      { name: "a", token, spoolBytesMax: 1 },
      { name: "b", token: `${token}2`, spoolBytesMax: 2 },
    ],
    upstreams: [{ ...valid.upstreams[0], timeoutMs: 100 }],
  };
  expect(readGatewayConfig(full)).toEqual(full);
  expect(readGatewayConfig(readGatewayConfig(full))).toEqual(full);
});

const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const client = (changes: object) => ({ clients: [{ name: "a", token, ...changes }] });
const upstream = (changes: object) => ({ upstreams: [{ ...valid.upstreams[0], ...changes }] });

const wrong: readonly [field: string, value: unknown][] = [
  ["gateway", null],
  ["gateway", []],
  ["gateway", "text"],
  ["gateway.spoolBytes", { ...valid, spoolBytes: 1 }],
  ["host", { ...valid, host: "" }],
  ["host", { ...valid, host: "a b" }],
  ["host", { ...valid, host: "a:b" }],
  ["host", { ...valid, host: 1 }],
  ["port", { ...valid, port: undefined }],
  ["port", { ...valid, port: "8090" }],
  ["port", { ...valid, port: 65_536 }],
  ["port", { ...valid, port: -1 }],
  ["folderPath", { ...valid, folderPath: "" }],
  ["folderPath", { ...valid, folderPath: undefined }],
  ["folderPath", { ...valid, folderPath: "a\0b" }],
  ["spoolBytesMax", { ...valid, spoolBytesMax: 65_535 }],
  ["spoolBytesMax", { ...valid, spoolBytesMax: 1e6 + 0.5 }],
  ["clients", { ...valid, clients: [] }],
  ["clients", { ...valid, clients: undefined }],
  ["clients[0]", { ...valid, clients: ["a"] }],
  ["clients[0].name", { ...valid, ...client({ name: "a b" }) }],
  ["clients[0].name", { ...valid, ...client({ name: "a".repeat(65) }) }],
  ["clients[0].token", { ...valid, ...client({ token: "short" }) }],
  ["clients[0].token", { ...valid, ...client({ token: "with a space in it" }) }],
  ["clients[0].token", { ...valid, ...client({ token: "a".repeat(513) }) }],
  ["clients[0].spoolBytesMax", { ...valid, ...client({ spoolBytesMax: 0 }) }],
  ["clients[0].quota", { ...valid, ...client({ quota: 1 }) }],
  ["clients[1].name", { ...valid, clients: [valid.clients[0], { ...valid.clients[0], token: `${token}2` }] }],
  ["clients[1].token", { ...valid, clients: [valid.clients[0], { name: "b", token }] }],
  ["gateway.upstream", { ...valid, upstream: valid.upstreams[0] }],
  ["upstreams", { ...valid, upstreams: undefined }],
  ["upstreams", { ...valid, upstreams: [] }],
  ["upstreams", { ...valid, upstreams: Array(9).fill(valid.upstreams[0]) }],
  ["upstreams[1].url", { ...valid, upstreams: [valid.upstreams[0], valid.upstreams[0]] }],
  ["upstreams[0]", { ...valid, upstreams: [7] }],
  ["upstreams[0].url", { ...valid, ...upstream({ url: "server.example" }) }],
  ["upstreams[0].url", { ...valid, ...upstream({ url: "ftp://server.example" }) }],
  ["upstreams[0].url", { ...valid, ...upstream({ url: "http://user:word@server.example" }) }],
  ["upstreams[0].url", { ...valid, ...upstream({ url: "http://server.example/?a=b" }) }],
  ["upstreams[0].url", { ...valid, ...upstream({ url: "http://server.example/#a" }) }],
  ["upstreams[0].token", { ...valid, ...upstream({ token: undefined }) }],
  ["upstreams[0].timeoutMs", { ...valid, ...upstream({ timeoutMs: 99 }) }],
  ["upstreams[0].timeoutMs", { ...valid, ...upstream({ timeoutMs: 600_001 }) }],
  ["clients[0]", { ...valid, clients: [{ name: "a" }] }],
  ["clients[0]", { ...valid, ...client({ commonName: "a" }) }],
  ["clients[0].commonName", { ...valid, clients: [{ name: "a", commonName: "" }] }],
  ["clients[0].commonName", { ...valid, clients: [{ name: "a", commonName: "a" }] }],
  ["clients[0].commonName", { ...valid, tls: { cert: PEM, key: PEM }, clients: [{ name: "a", commonName: "a" }] }],
  ["clients[1].commonName", { ...valid, clients: ["a", "b"].map((name) => ({ name, commonName: "same" })) }],
  ["clients[0].routings", { ...valid, ...client({ routings: [] }) }],
  ["clients[0].routings[1]", { ...valid, ...client({ routings: ["0".repeat(16), "0".repeat(15)] }) }],
  ["clients[0].routings[0]", { ...valid, ...client({ routings: ["A".repeat(16)] }) }],
  ["tls", { ...valid, tls: true }],
  ["tls.cert", { ...valid, tls: { key: PEM } }],
  ["tls.key", { ...valid, tls: { cert: PEM, key: "/etc/key.pem" } }],
  ["tls.clientCa", { ...valid, tls: { cert: PEM, key: PEM, clientCa: "" } }],
  ["tls.ca", { ...valid, tls: { cert: PEM, key: PEM, ca: PEM } }],
  ["upstreams[0].ca", { ...valid, ...upstream({ ca: "none" }) }],
  ["upstreams[0].key", { ...valid, ...upstream({ cert: PEM }) }],
  ["upstreams[0].url", { ...valid, ...upstream({ url: "http://server.example", ca: PEM }) }],
  ["mqtt", { ...valid, mqtt: 1883 }],
  ["mqtt.port", { ...valid, mqtt: {} }],
  ["mqtt.host", { ...valid, mqtt: { port: 1883, host: "a b" } }],
  ["mqtt.path", { ...valid, mqtt: { port: 1883, path: "/mqtt" } }],
  ["upstreams[0].retries", { ...valid, ...upstream({ retries: 3 }) }],
];

describe("a wrong configuration", () => {
  test.each(wrong)("names %s and not what it says", (field, value) => {
    const refused = (): unknown => readGatewayConfig(value);
    expect(refused).toThrow(GatewayError);
    expect(refused).toThrow(expect.objectContaining({ code: "ERR_GATEWAY_CONFIG", retryable: false }));
    expect(refused).toThrow(new RegExp(`^${field.replaceAll(/[.[\]]/g, String.raw`\$&`)} is not `));
    expect(refused).not.toThrow(/word|with a space/);
  });

  test("starts nothing", async () => {
    await expect(startGateway({ ...valid, port: -1 })).rejects.toMatchObject({ code: "ERR_GATEWAY_CONFIG" });
  });
});
