/** Gateways over TLS, with tokens and with certificates, between real sockets. */
import { request } from "node:https";
import { describe, expect, test } from "vitest";
import { SIGNED_MEDIA_TYPE, UPLOAD_PATH } from "@pericard/protocol";
import { makeAuthority, type Certified } from "./support/certificates.ts";
import { makeEnvelope, routingOf } from "./support/messages.ts";
import { runGateway, runUpstream, settingsFor, TOKEN, until, UPSTREAM_TOKEN } from "./support/running.ts";

const authority = makeAuthority();
const stranger = makeAuthority("authority of nobody");
const own = authority.issue("gateway");
const WARD = { name: "ward", commonName: "ward 3", routings: [routingOf(3)] };
const CLIENTS = [{ name: "first", token: TOKEN }, WARD];
const TLS = { ...own, clientCa: authority.cert };

interface Posting extends Partial<Certified> {
  readonly ca?: string;
  readonly token?: string;
}

/** Posts a message over TLS: the status, or the code of the error. */
async function postTls(url: string, message: Uint8Array, { token, ...tls }: Posting): Promise<number | string> {
  const headers = {
    "content-type": SIGNED_MEDIA_TYPE,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve) => {
    const sent = request(`${url}${UPLOAD_PATH}`, { method: "POST", headers, agent: false, ...tls }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    sent.end(message);
  });
}

async function runTls() {
  const upstream = await runUpstream();
  return runGateway(settingsFor(upstream.url, { tls: TLS, clients: CLIENTS }));
}

describe("a gateway over TLS", () => {
  test("takes a token, or a certificate that its client CA has signed", async () => {
    const { url } = await runTls();
    expect(url).toMatch(/^https:/);
    const ca = authority.cert;
    expect(await postTls(url, makeEnvelope(1), { ca, token: TOKEN })).toBe(202);
    expect(await postTls(url, makeEnvelope(3), { ca, ...authority.issue("ward 3") })).toBe(202);
  });

  test.each<readonly [string, number, Posting, number]>([
    ["neither token nor certificate", 3, {}, 401],
    ["a certificate of another authority", 3, stranger.issue("ward 3"), 401],
    ["a certificate of another name", 3, authority.issue("ward 4"), 401],
    ["a terminal that is not the certificate's", 4, authority.issue("ward 3"), 403],
  ])("refuses %s", async (_, terminal, posting, status) => {
    const { url } = await runTls();
    expect(await postTls(url, makeEnvelope(terminal), { ca: authority.cert, ...posting })).toBe(status);
  });

  test("is not believed by who does not trust its authority", async () => {
    const { url } = await runTls();
    expect(await postTls(url, makeEnvelope(1), { token: TOKEN })).toBe("SELF_SIGNED_CERT_IN_CHAIN");
  });

  test("speaks no plain HTTP", async () => {
    const { url } = await runTls();
    await expect(fetch(url.replace("https:", "http:"))).rejects.toThrow();
  });
});

describe("an upstream over TLS", () => {
  test("is reached with its authority's certificate, by token or by the gateway's own certificate", async () => {
    const server = await runUpstream();
    const router = await runGateway(
      settingsFor(server.url, { tls: TLS, clients: [...CLIENTS, { name: "up", token: UPSTREAM_TOKEN }] }),
    );
    const ca = authority.cert;
    const byToken = settingsFor("", { upstreams: [{ url: router.url, token: UPSTREAM_TOKEN, ca }] });
    const byName = settingsFor("", { upstreams: [{ url: router.url, ca, ...authority.issue("ward 3") }] });
    for (const settings of [byToken, byName]) {
      const gateway = await runGateway(settings);
      const before = server.received.length;
      await fetch(`${gateway.url}${UPLOAD_PATH}`, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": SIGNED_MEDIA_TYPE },
        body: new Uint8Array(makeEnvelope(3)),
      });
      await until("it arrived", () => server.received.length === before + 1);
    }
  });

  test("is given nothing when its certificate is not vouched for", async () => {
    const server = await runUpstream();
    const router = await runGateway(
      settingsFor(server.url, { tls: TLS, clients: [{ name: "up", token: UPSTREAM_TOKEN }] }),
    );
    const gateway = await runGateway(
      settingsFor("", { upstreams: [{ url: router.url, token: UPSTREAM_TOKEN, ca: stranger.cert }] }),
    );
    await fetch(`${gateway.url}${UPLOAD_PATH}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": SIGNED_MEDIA_TYPE },
      body: new Uint8Array(makeEnvelope(3)),
    });
    await until("it was tried", () => gateway.stats().upstream === "unreachable");
    expect([gateway.stats().spoolItems, server.received.length]).toEqual([1, 0]);
  });
});
