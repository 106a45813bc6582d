/** A running server takes up its new keys by itself, and says so to terminals. Source: docs/keys.md; docs/format.md §7.6, §7.12. */
import { ed25519Public, verifyMessage } from "@pericard/crypto";
import type { ServerKey } from "@pericard/custody";
import { KeyId, KeyOffer, parseEnvelope, parseSigned, toHex } from "@pericard/protocol";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS } from "../src/keys/key-policy.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;
let recording: TestRecording;
beforeEach(async () => {
  site = await new TestInstallation().start();
  terminal = site.terminal();
  recording = new TestRecording(terminal);
});
afterEach(() => site.remove());

/** A rotation by another process, and enough time for the server to look. */
function rotate(purpose: "hpke" | "receipt", atUnixMs = site.clock.unixMs): ServerKey {
  const key = site.store.identity.rotate(site.rootKey, purpose, atUnixMs);
  site.pass(2000);
  return key;
}

async function upload() {
  const { sealed, hash } = recording.next();
  const answer = await site.post(terminal.envelope(sealed));
  return { ...answer, isReceipted: answer.receipted.includes(toHex(hash)) };
}

const typesOf = (mail: readonly Uint8Array[]): readonly string[] => mail.map((message) => parseSigned(message).type);
const signerOf = (message: Uint8Array | undefined): KeyId =>
  KeyId.fromBytes(parseSigned(message ?? new Uint8Array(0)).keyIdBytes);

describe("a new receipt key", () => {
  test("signs from then on, and every answer brings its statement first", async () => {
    expect(typesOf((await upload()).mail)).toEqual(["pericard/receipt"]);
    const key = rotate("receipt");
    for (let i = 0; i < 2; i += 1) {
      const { mail, isReceipted } = await upload();
      expect(isReceipted).toBe(true);
      expect(typesOf(mail)).toEqual(["pericard/key-statement", "pericard/receipt"]);
      expect(mail[0]).toEqual(key.statement);
      expect(signerOf(mail[1])).toBe(key.keyId);
      verifyMessage(ed25519Public(key.publicBytes), parseSigned(mail[1] ?? new Uint8Array(0)));
    }
  });

  test("is no mail of its own: a status without answers waits as before", async () => {
    rotate("receipt");
    expect((await site.post(terminal.status())).mail).toEqual([]);
  });

  test.each([
    ["a day ahead", DAY_MS],
    ["as the server's", 0],
  ])("is in force at once when the clock of whoever made it stands %s", async (_, aheadMs) => {
    const key = rotate("receipt", site.clock.unixMs + aheadMs);
    expect(signerOf((await upload()).mail[1])).toBe(key.keyId);
  });

  test("ends a key change whose messages the terminal does not believe any more, and begins another", async () => {
    const first = await slowTerminal();
    const key = rotate("receipt");
    site.pass(3600_000);
    const later = await contact(3001);
    expect(typesOf(later)).toEqual(["pericard/key-statement", "pericard/key-offer"]);
    expect(signerOf(later[1])).toBe(key.keyId);
    const versions = [first.at(-1), later[1]].map(
      (message) => KeyOffer.decode(parseSigned(message ?? new Uint8Array(0)).payload).version,
    );
    expect(versions).toEqual([1, 2]);
    const { changes } = site.store.keyLife(terminal.registered.serial);
    expect(changes.map(({ state, code }) => [state, code])).toEqual([
      ["cancelled", "server-key"],
      ["offered", null],
    ]);
  });
});

const contact = (use: number): Promise<readonly Uint8Array[]> =>
  site.server.context.ingest.receive(terminal.status({ use }), { waitMs: 0, signal: new AbortController().signal });

/** A terminal that was seen for ten days, at 300 uses a day, and is offered a change. */
async function slowTerminal(): Promise<readonly Uint8Array[]> {
  for (let day = 0; day < 10; day += 1) {
    await contact(day * 300);
    site.pass(DAY_MS);
  }
  return contact(3000);
}

describe("a new hpke key", () => {
  test("is told to who seals to an older one, which still opens", async () => {
    const key = rotate("hpke");
    const { mail, isReceipted } = await upload();
    expect(isReceipted).toBe(true);
    expect(typesOf(mail)).toEqual(["pericard/key-statement", "pericard/receipt"]);
    expect(mail[0]).toEqual(key.statement);
  });

  test("opens what is sealed to it, without another word", async () => {
    rotate("hpke");
    terminal = site.terminal();
    recording = new TestRecording(terminal);
    const { mail, isReceipted } = await upload();
    expect(isReceipted).toBe(true);
    expect(typesOf(mail)).toEqual(["pericard/receipt"]);
  });
});

describe("an envelope to a destroyed hpke key", () => {
  test("is to be sealed anew: nothing is stored, nothing is rejected, however often it comes", async () => {
    const first = site.store.serverKeys("hpke")[0]?.keyId;
    const key = rotate("hpke");
    site.pass(91 * DAY_MS);
    expect(site.store.identity.destroyRetired(site.clock.unixMs)).toHaveLength(1);
    site.pass(2000);
    const content = terminal.sealContent([recording.next().sealed]);
    const before = site.packBytes;
    for (let i = 0; i < 3; i += 1) {
      const answer = await site.post(terminal.sign("pericard/envelope", content));
      expect(answer.status).toBe(200);
      expect(answer.rewraps).toMatchObject([{ envelope: parseEnvelope(content).header.envelope, hpkeKey: first }]);
      expect(typesOf(answer.mail)).toEqual(["pericard/key-statement", "pericard/rewrap"]);
      expect(answer.mail[0]).toEqual(key.statement);
    }
    expect(site.packBytes).toBe(before);
  });

  test("that the server destroyed by itself, at its start", async () => {
    rotate("hpke");
    site.pass(91 * DAY_MS);
    await site.stop();
    await site.start();
    await expect.poll(() => audited()).toEqual(["server: hpke key 1 destroyed: done"]);
    expect(site.store.identity.records().map(({ state }) => state)).toEqual(["current", "destroyed", "current"]);
    site.pass(2000);
    expect((await upload()).rewraps).toHaveLength(1);
  });
});

function audited(): readonly string[] {
  const database = new DatabaseSync(join(site.config.dataPath, "catalog", "catalog.sqlite"), { readOnly: true });
  const rows = database.prepare("SELECT * FROM audit WHERE action LIKE '%destroyed' ORDER BY number").all();
  database.close();
  return rows.map(({ actor, action, outcome }) => `${String(actor)}: ${String(action)}: ${String(outcome)}`);
}
