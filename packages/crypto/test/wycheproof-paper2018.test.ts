/** RSA as suite paper-2018 uses it, against Project Wycheproof: keys of 2,048 bits with exponent 65,537, SHA-256, K_C of 8 bytes. */
import { equalBytes, TenantId } from "@pericard/protocol";
import { expect, it } from "vitest";
import { paperRsaPrivate, paperRsaPublic, paperUnwrapKey, paperVerify, SyntheticTenant } from "../src/index.ts";
import {
  describeWithSnapshot,
  hexOf,
  loadGroups,
  misjudged,
  outcomeOf,
  type WycheproofCase,
} from "./support/wycheproof.ts";

const TENANT = TenantId.fromBytes(new Uint8Array(16));
const KEY_BYTES = 8;
const EXPONENT = "010001";

const opens = (one: WycheproofCase): boolean => one.result === "valid" && hexOf(one, "msg").length === KEY_BYTES;

describeWithSnapshot("wycheproof for paper-2018", () => {
  const leave = SyntheticTenant.admit({ id: TENANT, synthetic: true });

  it("rsassa-pkcs1-v1_5", () => {
    const groups = loadGroups("rsa_signature_2048_sha256");
    const usable = groups.filter(
      ({ publicKey }) => (publicKey as Readonly<Record<string, unknown>>)["publicExponent"] === EXPONENT,
    );
    for (const group of groups.filter((one) => !usable.includes(one))) {
      expect(() => paperRsaPublic(leave, hexOf(group, "publicKeyDer"))).toThrow(RangeError);
    }
    const wrong = usable.flatMap((group) => {
      const key = paperRsaPublic(leave, hexOf(group, "publicKeyDer"));
      const isVerified = (one: WycheproofCase): boolean =>
        paperVerify(leave, key, hexOf(one, "msg"), hexOf(one, "sig"));
      return misjudged(group.tests, (one) => isVerified(one) === (one.result === "valid"));
    });
    const cases = usable.flatMap(({ tests }) => tests);
    expect([groups.length, usable.length, cases.length]).toEqual([3, 1, 257]);
    expect(wrong).toEqual([]);
  });

  it("rsaes-pkcs1-v1_5: a content key of eight bytes opens, everything else is refused", () => {
    const groups = loadGroups("rsa_pkcs1_2048");
    const wrong = groups.flatMap((group) => {
      const key = paperRsaPrivate(leave, hexOf(group, "privateKeyPkcs8"));
      return misjudged(group.tests, (one) => {
        const opened = outcomeOf(() => paperUnwrapKey(leave, key, hexOf(one, "ct")));
        if (!opens(one)) return opened === "ERR_SEAL_BROKEN";
        return typeof opened !== "string" && equalBytes(opened, hexOf(one, "msg"));
      });
    });
    const cases = groups.flatMap(({ tests }) => tests);
    expect([cases.length, cases.filter(opens).length]).toEqual([67, 1]);
    expect(wrong).toEqual([]);
  });
});
