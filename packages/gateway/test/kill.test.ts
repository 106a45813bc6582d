/** Gateways that are killed, by the process or by the copy of their disk: what was answered 202 arrives upstream. */
import { spawn, type ChildProcess } from "node:child_process";
import { cpSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { GatewaySettings } from "@pericard/gateway";
import { mqttTopic } from "@pericard/protocol";
import { makeEnvelope, routingOf } from "./support/messages.ts";
import { connectMqtt } from "./support/mqtt-client.ts";
import { later, makeFolder, post, runGateway, runUpstream, settingsFor, until } from "./support/running.ts";
import { hex } from "./support/spools.ts";
import { hang, takeWith } from "./support/upstream-server.ts";

async function spawnGateway(settings: GatewaySettings): Promise<{ url: string; mqttUrl: string; child: ChildProcess }> {
  const program = join(import.meta.dirname, "support", "gateway-process.ts");
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], { stdio: ["ignore", "pipe", "inherit"] });
  later(() => void child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const [url = "", mqttUrl = ""] = line.toString().trim().split(" ");
  return { url, mqttUrl, child };
}

async function spoolItemsOf(url: string): Promise<number> {
  return ((await (await fetch(`${url}/healthz`)).json()) as { spoolItems: number }).spoolItems;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

test("a process killed again and again while it takes in and forwards loses nothing that it answered for", async () => {
  const upstream = await runUpstream();
  const settings = settingsFor(upstream.url);
  const answered = new Set<string>();
  for (let round = 0; round < 4; round += 1) {
    const { url, child } = await spawnGateway(settings);
    const killed = new AbortController();
    const send = async (terminal: number): Promise<void> => {
      while (!killed.signal.aborted) {
        const message = makeEnvelope(terminal);
        const response = await post(url, message).catch(() => undefined);
        if (response?.status === 202) answered.add(hex(message));
      }
    };
    const senders = [1, 2, 3, 4].map(send);
    const enough = answered.size + 30 + 7 * round;
    await until("some were answered", () => answered.size >= enough);
    await kill(child);
    killed.abort();
    await Promise.all(senders);
  }
  expect(answered.size).toBeGreaterThan(100);
  await runGateway(settings);
  const missing = (): number => {
    const arrived = new Set(upstream.received.map(({ bytes }) => hex(bytes)));
    return [...answered].filter((message) => !arrived.has(message)).length;
  };
  await until("everything arrived", () => missing() === 0);
});

test("what was done before the kill is not sent again, since a killed process leaves its writes to the system", async () => {
  const upstream = await runUpstream();
  const settings = settingsFor(upstream.url);
  const first = await spawnGateway(settings);
  for (let i = 0; i < 20; i += 1) expect((await post(first.url, makeEnvelope(i % 4))).status).toBe(202);
  await until("all were forwarded", () => upstream.received.length === 20);
  for (let i = 0; i < 100 && (await spoolItemsOf(first.url)) > 0; i += 1) await post(first.url, new Uint8Array(1));
  upstream.answer = hang;
  const waiting = [makeEnvelope(1), makeEnvelope(1), makeEnvelope(2)];
  for (const message of waiting) await post(first.url, message);
  await kill(first.child);
  const before = upstream.received.length;
  upstream.answer = takeWith([]);
  const again = await runGateway(settings);
  await until("the rest was forwarded", () => again.stats().spoolItems === 0);
  expect(new Set(upstream.received.slice(before).map(({ bytes }) => hex(bytes)))).toEqual(new Set(waiting.map(hex)));
  expect(upstream.received.length).toBe(before + waiting.length);
});

test("a copy of the disk, taken while the gateway runs, has all that was answered, in order", async () => {
  const upstream = await runUpstream();
  upstream.answer = hang;
  const settings = settingsFor(upstream.url);
  const gateway = await runGateway(settings);
  const sent: Uint8Array[] = [];
  for (let i = 0; i < 30; i += 1) {
    const message = makeEnvelope(i % 3);
    expect((await post(gateway.url, message)).status).toBe(202);
    sent.push(message);
  }
  const folderPath = join(makeFolder(), "copy");
  cpSync(settings.folderPath, folderPath, { recursive: true });
  const other = await runUpstream();
  const copy = await runGateway(settingsFor(other.url, { folderPath }));
  await until("the copy was forwarded", () => copy.stats().spoolItems === 0);
  for (let terminal = 0; terminal < 3; terminal += 1) {
    const expected = sent.filter((_, i) => i % 3 === terminal).map(hex);
    const routing = terminal.toString(16).padStart(16, "0");
    expect(other.received.filter((one) => one.routing === routing).map(({ bytes }) => hex(bytes))).toEqual(expected);
  }
});

test("a process killed while it takes messages in by MQTT loses none that it acknowledged", async () => {
  const upstream = await runUpstream();
  const settings = settingsFor(upstream.url, { mqtt: { port: 0 } });
  const acknowledged = new Set<string>();
  for (let round = 0; round < 3; round += 1) {
    const { mqttUrl, child } = await spawnGateway(settings);
    const send = async (terminal: number): Promise<void> => {
      const { publish } = await connectMqtt(mqttUrl);
      const message = (): Uint8Array => makeEnvelope(terminal);
      for (let next = message(); await publish(mqttTopic(routingOf(terminal), "up"), next); next = message()) {
        acknowledged.add(hex(next));
      }
    };
    const senders = [1, 2, 3, 4].map(send);
    const enough = acknowledged.size + 40 + 11 * round;
    await until("some were acknowledged", () => acknowledged.size >= enough);
    await kill(child);
    await Promise.all(senders);
  }
  await runGateway(settings);
  const missing = (): number => {
    const arrived = new Set(upstream.received.map(({ bytes }) => hex(bytes)));
    return [...acknowledged].filter((message) => !arrived.has(message)).length;
  };
  await until("everything arrived", () => missing() === 0);
});
