/** A terminal over several gateways, by HTTP and by MQTT: real gateways, real sockets, a server in memory. */
import { systemRandom } from "@pericard/crypto";
import { createMemoryFolder } from "@pericard/framelog";
import { encodeMail, MAIL_MEDIA_TYPE } from "@pericard/protocol";
import { createTransport, systemClock, Terminal, type TerminalProfile, type TlsTrust } from "@pericard/terminal";
import type { GatewaySettings } from "@pericard/gateway";
import type { UploadTarget } from "@pericard/trsm";
import { describe, expect, test } from "vitest";
import { makeAuthority } from "../../gateway/test/support/certificates.ts";
import { fileSource, PushSource } from "./support/array-source.ts";
import { record, until } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { runGateway, settingsFor, spawnGateway, TOKEN } from "./support/gateways.ts";
import { serve, startHttp, type HttpServer } from "./support/http-server.ts";
import { TestServer } from "./support/test-server.ts";

const installation = new Installation();
const PROFILE: TerminalProfile = { segmentLengthMs: 1000, receiptWaitMs: 300 };

/** A server in memory behind a socket. */
async function runServer(): Promise<{ readonly server: TestServer; readonly http: HttpServer }> {
  const server = new TestServer(installation);
  return { server, http: await startHttp(serve(server)) };
}

function openTerminal(urls: readonly string[], tls: TlsTrust = {}): Terminal {
  const targets: readonly UploadTarget[] = urls.map((url) => ({ url, token: TOKEN }));
  const folder = installation.deploy(createMemoryFolder(), targets);
  const transport = (): ReturnType<typeof createTransport> => createTransport(targets, systemClock, { tls });
  return new Terminal({ folder, clock: systemClock, random: systemRandom, transport }, PROFILE);
}

async function uploadAll(terminal: Terminal): Promise<void> {
  await terminal.upload({ signal: AbortSignal.timeout(30_000) });
  expect(terminal.status().journal.items).toBe(0);
  terminal.close();
}

/** Takes everything and says nothing: a gateway as a thief or a defect would have it. */
async function runBlackHole(): Promise<HttpServer> {
  return startHttp((_request, response) => {
    response.writeHead(202, { "content-type": MAIL_MEDIA_TYPE });
    response.end(encodeMail([]));
  });
}

/** How terminals reach their gateways. Everything holds for each. */
interface Protocol {
  readonly name: string;
  /** Where a gateway is reached so. */
  readonly urlOf: (gateway: { readonly url: string; readonly mqttUrl: string | undefined }) => string;
  readonly settings: Partial<GatewaySettings>;
}

const PROTOCOLS: readonly Protocol[] = [
  { name: "HTTP", urlOf: ({ url }) => url, settings: {} },
  { name: "MQTT", urlOf: ({ mqttUrl = "" }) => mqttUrl, settings: { mqtt: { port: 0 } } },
];

describe.each(PROTOCOLS)("two gateways by $name", ({ urlOf, settings }) => {
  const settingsOver = (upstreamUrl: string): GatewaySettings => settingsFor(upstreamUrl, settings);

  test("the first is used while it serves", async () => {
    const { server, http } = await runServer();
    const [first, second] = [await runGateway(settingsOver(http.url)), await runGateway(settingsOver(http.url))];
    const terminal = openTerminal([urlOf(first), urlOf(second)]);
    await record(terminal, fileSource(500));
    await terminal.upload({ signal: AbortSignal.timeout(30_000) });
    expect([server.stored.size, terminal.status().upload.target]).toEqual([6, urlOf(first)]);
    expect(second.stats().intakeBytesPerDay).toBeNull();
    terminal.close();
  });

  test("the first is killed in the middle of an upload: everything arrives by the second and is stored once", async () => {
    const { server, http } = await runServer();
    const first = await spawnGateway(settingsOver(http.url));
    const second = await runGateway(settingsOver(http.url));
    const terminal = openTerminal([urlOf(first), urlOf(second)]);
    const source = new PushSource();
    const stop = new AbortController();
    const recording = terminal.record(source, { signal: stop.signal, upload: true, graceMs: 20_000 });
    for (let i = 0; i < 20; i += 1) source.push(100);
    await until(() => server.stored.size >= 5, "the first forwarded some");
    await first.kill();
    for (let i = 0; i < 20; i += 1) source.push(100);
    source.end();
    const report = await recording;
    expect([report.pendingItems, server.stored.size]).toEqual([0, 41]);
    expect(terminal.status().upload.target).toBe(urlOf(second));
    expect(server.samplesOf(server.recordings[0] ?? "")[0]).toHaveLength(4000);
    terminal.close();
  });

  test("the first takes everything and forwards nothing: after the configured time it goes by the second too", async () => {
    const { server, http } = await runServer();
    const hole = await runBlackHole();
    const [first, second] = [await runGateway(settingsOver(hole.url)), await runGateway(settingsOver(http.url))];
    const terminal = openTerminal([urlOf(first), urlOf(second)]);
    await record(terminal, fileSource(500));
    const startedAt = performance.now();
    await uploadAll(terminal);
    expect(performance.now() - startedAt).toBeLessThan(12_000);
    expect([server.stored.size, terminal.status().upload.receiptsVerified]).toEqual([6, 6]);
    expect(hole.requests.length).toBeGreaterThan(0);
  });

  test("the first is cut off and says so: it goes by the second at once", async () => {
    const { server, http } = await runServer();
    const gone = await startHttp(() => undefined);
    await gone.close();
    const [first, second] = [await runGateway(settingsOver(gone.url)), await runGateway(settingsOver(http.url))];
    const terminal = openTerminal([urlOf(first), urlOf(second)]);
    await record(terminal, fileSource(500));
    await uploadAll(terminal);
    expect(server.stored.size).toBe(6);
    expect(first.stats().upstream).toBe("unreachable");
  });

  test("what a gateway spooled while it was cut off arrives later, by it, and is stored once; the receipt has come by the other", async () => {
    const { server, http } = await runServer();
    const away = await startHttp(serve(server));
    await away.close();
    const [first, second] = [await runGateway(settingsOver(away.url)), await runGateway(settingsOver(http.url))];
    const terminal = openTerminal([urlOf(first), urlOf(second)]);
    await record(terminal, fileSource(500));
    await uploadAll(terminal);
    expect(first.stats().spoolItems).toBeGreaterThan(0);
    const stored = [...server.stored.keys()];
    const envelopeCount = server.envelopes.length;
    await away.reopen();
    await until(() => first.stats().spoolItems === 0, "the first forwarded it too");
    expect(server.envelopes.length).toBeGreaterThan(envelopeCount);
    expect([...server.stored.keys()]).toEqual(stored);
  });

  test("a receipt that is lost after a gateway was cut off is asked for again", async () => {
    const { server, http } = await runServer();
    const away = await startHttp(serve(server));
    await away.close();
    const gateway = await runGateway(settingsOver(away.url));
    const terminal = openTerminal([urlOf(gateway)]);
    await record(terminal, fileSource(500));
    const stop = new AbortController();
    const uploading = terminal.upload({ signal: stop.signal });
    await until(() => gateway.stats().spoolItems > 0 && gateway.stats().upstream === "unreachable", "it waits");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    // What the server says first comes to nobody: answers with no mail, as if it had been lost on the way.
    let lost = 0;
    away.handle = (request, response) => {
      const mail = server.receive(request.body);
      lost += mail.length;
      response.writeHead(200, { "content-type": MAIL_MEDIA_TYPE });
      response.end(encodeMail([]));
    };
    await away.reopen();
    await until(() => gateway.stats().spoolItems === 0 && lost > 0, "the gateway has forwarded it");
    away.handle = serve(server);
    await uploading;
    expect([terminal.status().journal.items, server.stored.size]).toEqual([0, 6]);
    stop.abort();
    terminal.close();
    await http.close();
  });

  test("where both are cut off each keeps one copy, and nothing is sent again and again", async () => {
    const { server, http } = await runServer();
    const away = await startHttp(serve(server));
    await away.close();
    const [first, second] = [await runGateway(settingsOver(away.url)), await runGateway(settingsOver(away.url))];
    const terminal = openTerminal([urlOf(first), urlOf(second)]);
    await record(terminal, fileSource(500));
    const stop = new AbortController();
    const uploading = terminal.upload({ signal: stop.signal });
    await until(() => first.stats().upstream === "unreachable", "the first knows");
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(first.stats().spoolItems).toBeLessThanOrEqual(2);
    expect(second.stats().spoolItems).toBeLessThanOrEqual(2);
    await away.reopen();
    await uploading;
    expect([server.stored.size, terminal.status().journal.items]).toEqual([6, 0]);
    terminal.close();
    await http.close();
  });
});

test.each(PROTOCOLS)(
  "a tree three deep carries a command down and live data up within a bound, by $name",
  async ({ urlOf, settings }) => {
    const { server, http } = await runServer();
    const top = await runGateway(settingsFor(http.url));
    const middle = await runGateway(settingsFor(top.url));
    const bottom = await runGateway(settingsFor(middle.url, settings));
    const terminal = openTerminal([urlOf(bottom)]);
    const { routing } = terminal.status();
    const source = new PushSource();
    const stop = new AbortController();
    const recording = terminal.record(source, { signal: stop.signal, upload: true, graceMs: 10_000 });
    const delaysMs: number[] = [];
    for (let i = 1; i <= 5; i += 1) {
      const startedAt = performance.now();
      source.push(100);
      await until(() => server.stored.size >= i, "a segment arrived");
      delaysMs.push(performance.now() - startedAt);
    }
    expect(Math.max(...delaysMs)).toBeLessThan(2000);
    server.mail = [server.command(routing, 1, "segment-length", 2000)];
    // A command that comes while nobody asks waits for the next long poll.
    await until(() => terminal.status().segmentLengthMs === 2000, "the command came down", 40_000);
    source.end();
    await recording;
    expect(terminal.status().journal.items).toBe(0);
    terminal.close();
  },
);

test.each(PROTOCOLS)(
  "over TLS the gateway is verified, and the terminal may be known by its certificate, by $name",
  async ({ urlOf, settings }) => {
    const { server, http } = await runServer();
    const authority = makeAuthority();
    const tls = { ...authority.issue("gateway"), clientCa: authority.cert };
    const gateway = await runGateway(
      settingsFor(http.url, { ...settings, tls, clients: [{ name: "bed", commonName: "bed 12" }] }),
    );
    const trusting = openTerminal([urlOf(gateway)], { ca: authority.cert, ...authority.issue("bed 12") });
    await record(trusting, fileSource(300));
    await uploadAll(trusting);
    expect(server.stored.size).toBe(4);
    const doubting = openTerminal([urlOf(gateway)], { ...authority.issue("bed 12") });
    await record(doubting, fileSource(300));
    await doubting.upload({ signal: AbortSignal.timeout(1500) });
    expect([doubting.status().journal.items, doubting.status().upload.target]).toEqual([4, null]);
    doubting.close();
  },
);
