/** Eclipse Mosquitto's own clients against a gateway: another implementation of MQTT 3.1.1. */
import { execFile, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { MqttAnswer, mqttTopic } from "@pericard/protocol";
import type { GatewaySettings } from "@pericard/gateway";
import { makeAuthority } from "./support/certificates.ts";
import { makeEnvelope, makeMail, makeStatus, routingOf } from "./support/messages.ts";
import { makeFolder, runGateway, runUpstream, settingsFor, TOKEN, until } from "./support/running.ts";
import { hex } from "./support/spools.ts";
import { takeWith } from "./support/upstream-server.ts";

const REMEDY = "apt-get install -y --no-install-recommends mosquitto-clients";
const isThere = spawnSync("mosquitto_pub", ["--version"]).error === undefined;

const UP = mqttTopic(routingOf(1), "up");
const DOWN = mqttTopic(routingOf(1), "down");

async function run(changes: Partial<GatewaySettings> = {}) {
  const upstream = await runUpstream();
  const gateway = await runGateway(settingsFor(upstream.url, { mqtt: { port: 0 }, ...changes }));
  const { port } = new URL(gateway.mqttUrl ?? "");
  const place = ["-h", "127.0.0.1", "-p", port];
  return { upstream, gateway, place };
}

const AUTH = ["-u", "anybody", "-P", TOKEN];
const V4 = ["-V", "mqttv311"];

/** Publishes a message from a file: the exit code, 0 when it was acknowledged. */
async function publish(message: Uint8Array, args: readonly string[]): Promise<number> {
  const file = join(makeFolder(), "message.cose");
  writeFileSync(file, message);
  return promisify(execFile)("mosquitto_pub", [...args, "-f", file], { timeout: 20_000 }).then(
    () => 0,
    (error: { readonly code?: number }) => error.code ?? -1,
  );
}

test.skipIf(isThere || process.env["CI"] !== "true")(`needs mosquitto_pub (${REMEDY})`, () => {
  throw new Error(REMEDY);
});

describe.skipIf(!isThere)(`mosquitto_pub and mosquitto_sub (${REMEDY})`, () => {
  test("hand an envelope to a gateway: acknowledged when spooled, forwarded byte for byte", async () => {
    const { upstream, gateway, place } = await run();
    const message = makeEnvelope(1, 100_000);
    expect(await publish(message, [...V4, ...place, ...AUTH, "-q", "1", "-t", UP])).toBe(0);
    await until("it arrived", () => upstream.received.length === 1);
    expect(upstream.received.map(({ bytes }) => hex(bytes))).toEqual([hex(message)]);
    await until("it is done", () => gateway.stats().spoolItems === 0);
  });

  test("hear what their status brought, once", async () => {
    const { upstream, place } = await run();
    upstream.answer = takeWith([makeMail("command")]);
    expect(await publish(makeStatus(1), [...V4, ...place, ...AUTH, "-q", "1", "-t", UP])).toBe(0);
    await until("it arrived", () => upstream.received.length === 1);
    const hear = async (): Promise<string> => {
      const args = [...V4, ...place, ...AUTH, "-q", "1", "-t", DOWN, "-C", "1", "-W", "3", "-F", "%x"];
      return promisify(execFile)("mosquitto_sub", args).then(
        ({ stdout }) => stdout.trim(),
        () => "",
      );
    };
    const { mail, ...rest } = MqttAnswer.decode(new Uint8Array(Buffer.from(await hear(), "hex")));
    expect(mail.map((one) => Buffer.from(one).toString())).toEqual(["command"]);
    expect(rest).toEqual({ status: 200, cutOff: false, code: null, retryAfterSeconds: null, tail: null });
    expect(await hear()).toBe("");
  });

  test.each([
    ["a wrong password", [...V4, "-u", "a", "-P", "not-a-token-of-anyone"]],
    ["no password", V4],
    ["MQTT 5", ["-V", "mqttv5", ...AUTH]],
  ])("are refused with %s", async (_, args) => {
    const { gateway, place } = await run();
    expect(await publish(makeEnvelope(1), [...args, ...place, "-q", "1", "-t", UP])).not.toBe(0);
    expect(gateway.stats().spoolItems).toBe(0);
  });

  test("are known by certificate over TLS", async () => {
    const authority = makeAuthority();
    const { cert, key } = authority.issue("bed 12");
    const folder = makeFolder();
    const files = Object.entries({ "ca.pem": authority.cert, "bed.pem": cert, "bed.key": key }).map(([file, text]) => {
      writeFileSync(join(folder, file), text);
      return join(folder, file);
    });
    const [ca = "", own = "", ownKey = ""] = files;
    const { upstream, place } = await run({
      tls: { ...authority.issue("gateway"), clientCa: authority.cert },
      clients: [{ name: "bed", commonName: "bed 12", routings: [routingOf(1)] }],
    });
    const tls = ["--cafile", ca, "--cert", own, "--key", ownKey];
    expect(await publish(makeEnvelope(1), [...V4, ...place, ...tls, "-q", "1", "-t", UP])).toBe(0);
    await until("it arrived", () => upstream.received.length === 1);
    expect(await publish(makeEnvelope(1), [...V4, ...place, "--cafile", ca, "-q", "1", "-t", UP])).not.toBe(0);
  });
});
