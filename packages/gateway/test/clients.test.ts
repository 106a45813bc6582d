import * as fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "@pericard/protocol";
import { ClientRegistry, equalTokens } from "../src/clients.ts";

const registry = new ClientRegistry([
  { name: "a", token: "token-number-one", spoolBytesMax: 1 },
  { name: "b", token: "token-number-two", spoolBytesMax: 1 },
]);

test("each client is known by its own token", () => {
  expect(registry.admit("Bearer token-number-one").name).toBe("a");
  expect(registry.admit("bearer   token-number-two").name).toBe("b");
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
  expect(() => registry.admit(authorization)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_UNKNOWN" }));
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
