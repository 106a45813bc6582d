/** The shared vectors of custody by a token. Source: docs/format.md §12.3. */
import { systemRandom, type BlobContext } from "@pericard/crypto";
import { decodeCbor, toHex } from "@pericard/protocol";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VectorCase } from "../../../vectors/cases/case.ts";
import { bytesOf, countCases, loadCases } from "../../../vectors/load.ts";
import { findKek, tokenFile } from "../src/kek-file.ts";
import { openTokenKek, type TokenDoor, type TokenKey } from "../src/kek-token.ts";
import { CK, ignoring, loadLibrary, type Attribute, type Handle } from "../src/pkcs11-library.ts";
import { temporaryFolder } from "./support/folders.ts";
import { createToken, describeWithSofthsm } from "./support/softhsm.ts";

const PIN = "4711-pin";

function outcomeOf(open: () => VectorCase["decoded"]): Pick<VectorCase, "expect" | "decoded"> {
  try {
    return { expect: "accept", ...withDecoded(open()) };
  } catch (error) {
    return { expect: String((error as { readonly code?: unknown }).code) };
  }
}

function withDecoded(decoded: VectorCase["decoded"]): Pick<VectorCase, "decoded"> {
  return decoded === undefined ? {} : { decoded };
}

const wantedOf = ({ expect: wanted, decoded }: VectorCase) => ({ expect: wanted, ...withDecoded(decoded) });

describe("vectors of a token's file", () => {
  const cases = loadCases("kek-token");

  test.each(cases)("$name", (vector) => {
    const folder = temporaryFolder();
    const bytes = bytesOf(vector, "bytesHex");
    writeFileSync(join(folder, "kek.sealed"), bytes);
    const secret = { secret: new Uint8Array(4), modulePath: "/module.so" };
    const open = () => {
      const { tokenLabel, keyId } = findKek([folder], secret, () => true) as TokenKey;
      return { tokenLabel, keyId: toHex(keyId) };
    };
    expect(outcomeOf(open)).toEqual(wantedOf(vector));
    if (vector.expect === "accept") {
      expect(tokenFile(findKek([folder], secret, () => true) as TokenKey)).toEqual(bytes);
    }
  });

  test("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 1, refused: 11 });
  });
});

/** Puts a known key into a token, as no program but a test does. */
function putKey(door: TokenDoor, value: Uint8Array): TokenKey {
  const { library } = loadLibrary(door.modulePath);
  const slot = library
    .C_GetSlotList(true)
    .find((one) => library.C_GetTokenInfo(one).label.trimEnd() === door.tokenLabel);
  const session = library.C_OpenSession(slot as Handle, CK.serialSession | CK.rwSession);
  ignoring(CK.alreadyLoggedIn, () => library.C_Login(session, CK.user, PIN));
  const keyId = systemRandom(16);
  const CKA_VALUE = 0x11;
  const maker = library as unknown as { C_CreateObject(session: Handle, template: readonly Attribute[]): Handle };
  maker.C_CreateObject(session, [
    { type: CK.attribute.class, value: CK.secretKey },
    { type: CK.attribute.keyType, value: CK.aes },
    { type: CK.attribute.id, value: Buffer.from(keyId) },
    { type: CK.attribute.token, value: true },
    { type: CK.attribute.encrypt, value: true },
    { type: CK.attribute.decrypt, value: true },
    { type: CKA_VALUE, value: Buffer.from(value) },
  ]);
  library.C_CloseSession(session);
  return { ...door, keyId };
}

describeWithSofthsm("vectors of a value that a token sealed", () => {
  const cases = loadCases("token-value");
  let root: string;
  let door: TokenDoor;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "pericard-token-"));
    door = createToken(root, "pericard-vectors", PIN);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test.each(cases)("$name", (vector) => {
    const kek = openTokenKek(putKey(door, bytesOf(vector, "keyHex")), systemRandom);
    const context = decodeCbor(bytesOf(vector, "contextHex")) as unknown as BlobContext;
    const open = () => ({ plain: toHex(kek.open(context, bytesOf(vector, "bytesHex"))) });
    expect(outcomeOf(open)).toEqual(wantedOf(vector));
    kek.close();
  });

  test("are as many as there should be", () => {
    expect(countCases(cases)).toEqual({ accepted: 1, refused: 9 });
  });
});
