import { ed25519Private, keyIdOf, signMessage, systemRandom } from "@pericard/crypto";
import { drawRootKey, issueServerKey, type RootKey } from "@pericard/custody";
import { KeyId, KeyStatement, parseSigned } from "@pericard/protocol";
import { describe, expect, test } from "vitest";
import { ServerTrust } from "../src/server-trust.ts";

const root = drawRootKey(systemRandom);
const issue = (purpose: "hpke" | "receipt", version: number, by: RootKey = root) =>
  issueServerKey(by, purpose, version, 1000, systemRandom);

describe("a statement", () => {
  test("of the pinned root is believed", () => {
    const [hpke, receipt] = [issue("hpke", 1), issue("receipt", 1)];
    const trust = new ServerTrust(root.pin, [hpke.statement, receipt.statement]);
    expect(trust.getRecipient().hpkeKey).toBe(hpke.keyId);
    trust.requireUsable();
    expect(trust.ignoredCount).toBe(0);
  });

  test("of rising versions replaces the older one, in any order", () => {
    const keys = [issue("hpke", 2), issue("hpke", 3), issue("hpke", 1), issue("hpke", 3)];
    const trust = new ServerTrust(
      root.pin,
      keys.map(({ statement }) => statement),
    );
    expect(trust.getRecipient().hpkeKey).toBe(keys[1]?.keyId);
    expect(trust.ignoredCount).toBe(2);
    expect(trust.statements).toEqual([keys[1]?.statement]);
  });

  const statement = issue("receipt", 5).statement;
  const other = drawRootKey(systemRandom);
  const { publicKey } = KeyStatement.decode(parseSigned(issue("receipt", 5).statement).payload);
  const fields = { version: 5, purpose: "receipt", publicKey, notBeforeUnixMs: 0, notAfterUnixMs: 1 } as const;
  const rootId = KeyId.toBytes(keyIdOf(root.publicBytes));
  const claim = (rootPublicKey: Uint8Array) => KeyStatement.encode({ ...fields, rootPublicKey });
  test.each([
    { name: "of another root", bytes: issue("receipt", 5, other).statement },
    {
      name: "that names the pinned root and is signed by another",
      bytes: signMessage(ed25519Private(other.seed), "pericard/key-statement", rootId, claim(root.publicBytes)),
    },
    {
      name: "signed by the pinned root for another root",
      bytes: signMessage(ed25519Private(root.seed), "pericard/key-statement", rootId, claim(other.publicBytes)),
    },
    {
      name: "with another key id",
      bytes: signMessage(
        ed25519Private(root.seed),
        "pericard/key-statement",
        new Uint8Array(8),
        claim(root.publicBytes),
      ),
    },
    {
      name: "signed as another type",
      bytes: signMessage(ed25519Private(root.seed), "pericard/receipt", rootId, claim(root.publicBytes)),
    },
    { name: "with a flipped byte", bytes: statement.with(120, (statement[120] ?? 0) ^ 1) },
    { name: "that is cut", bytes: statement.subarray(0, 100) },
    { name: "that is nothing", bytes: new Uint8Array(0) },
  ])("$name is ignored and counted", ({ bytes }) => {
    const trust = new ServerTrust(root.pin, []);
    expect(trust.accept(bytes)).toBe(false);
    expect(trust.ignoredCount).toBe(1);
    expect(() => trust.requireUsable()).toThrow(expect.objectContaining({ code: "ERR_SERVER_UNTRUSTED" }));
  });
});

const sign = (seed: Uint8Array, id: KeyId) =>
  signMessage(ed25519Private(seed), "pericard/receipt", KeyId.toBytes(id), Uint8Array.of(1));

describe("a message of the server", () => {
  const [hpke, receipt] = [issue("hpke", 1), issue("receipt", 1)];
  const trust = new ServerTrust(root.pin, [hpke.statement, receipt.statement]);
  test("is verified under the key that it names", () => {
    expect(trust.verify(sign(receipt.privateBytes, receipt.keyId)).type).toBe("pericard/receipt");
  });

  test("under another key id, or by another key, is refused", () => {
    const byHpke = sign(receipt.privateBytes, hpke.keyId);
    expect(() => trust.verify(byHpke)).toThrow(expect.objectContaining({ code: "ERR_SERVER_UNTRUSTED" }));
    const forged = sign(systemRandom(32), receipt.keyId);
    expect(() => trust.verify(forged)).toThrow(expect.objectContaining({ code: "ERR_SIGNATURE_INVALID" }));
  });
});
