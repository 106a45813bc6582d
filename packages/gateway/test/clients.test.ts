import * as fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "@pericard/protocol";
import { bearerToken, ClientRegistry, equalTokens, peerName } from "../src/clients.ts";
import { routingOf } from "./support/messages.ts";

const PLAIN = { token: undefined, commonName: undefined, routings: undefined, spoolBytesMax: 1 };

const registry = new ClientRegistry([
  { ...PLAIN, name: "a", token: "token-number-one" },
  { ...PLAIN, name: "b", token: "token-number-two" },
  { ...PLAIN, name: "c", commonName: "ward 3", routings: [routingOf(3)] },
]);

const admit = (authorization: string | undefined, commonName?: string) =>
  registry.admit({ token: bearerToken(authorization), commonName });

test("each client is known by its own token", () => {
  expect(admit("Bearer token-number-one").name).toBe("a");
  expect(admit("bearer   token-number-two").name).toBe("b");
});

test.each([
  undefined,
  "",
  "Bearer",
  "Bearer ",
  "token-number-one",
  "Bearer token-number-one x",
  "Bearer token-number-onE",
])("%s is nobody", (authorization) => {
  expect(() => admit(authorization)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_UNKNOWN" }));
});

test("a client with a certificate is known by its name, and one with a known token by that", () => {
  expect(admit(undefined, "ward 3").name).toBe("c");
  expect(admit("Bearer token-number-one", "ward 3").name).toBe("a");
  expect(admit("Bearer a-wrong-token-of-16", "ward 3").name).toBe("c");
  for (const [authorization, name] of [
    [undefined, "ward 4"],
    [undefined, ""],
    ["Bearer a-wrong-token-of-16", "ward 4"],
  ] as const) {
    expect(() => admit(authorization, name)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_UNKNOWN" }));
  }
});

test("a bound client speaks for its own terminals, an unbound one for all", () => {
  const [unbound, bound] = [admit("Bearer token-number-one"), admit(undefined, "ward 3")];
  expect([3, 4].map((terminal) => registry.speaksFor(bound, routingOf(terminal)))).toEqual([true, false]);
  expect([3, 4].map((terminal) => registry.speaksFor(unbound, routingOf(terminal)))).toEqual([true, true]);
  expect(() => registry.requireSpeaksFor(bound, routingOf(4))).toThrow(
    expect.objectContaining({ code: "ERR_ROUTING_FOREIGN" }),
  );
});

test.each([
  ["no TLS", {}],
  ["a certificate that nobody has signed", { authorized: false, getPeerCertificate: () => ({ subject: { CN: "a" } }) }],
  ["no certificate", { authorized: true, getPeerCertificate: () => ({}) }],
  ["two names", { authorized: true, getPeerCertificate: () => ({ subject: { CN: ["a", "b"] } }) }],
])("%s names nobody", (_, socket) => {
  expect(peerName(socket)).toBeUndefined();
});

test("tokens are the same when all their bytes are", () => {
  const token = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(token, token, (a, b) => {
      expect(equalTokens(utf8(a), utf8(b))).toBe(a === b);
      expect(equalTokens(utf8(a), utf8(a))).toBe(true);
      expect(equalTokens(utf8(a), utf8(a + a)), "a repetition is another token").toBe(false);
      expect(equalTokens(utf8(a), utf8(a.slice(0, -1))), "a beginning is another token").toBe(false);
    }),
  );
});
