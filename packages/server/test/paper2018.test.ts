/** Suite paper-2018 at the server: taken from terminals that are registered for it, of tenants created synthetic, alone. */
import {
  CryptoError,
  drawPaperRsaPair,
  paperRsaPrivate,
  sha256,
  SyntheticTenant,
  systemRandom,
} from "@pericard/crypto";
import { KeyStore } from "@pericard/custody";
import { BYTE_CODECS } from "@pericard/ecg";
import {
  ALGORITHM,
  encodeCbor,
  encodeEncrypt,
  encodePaperEnvelope,
  encodePericardHeader,
  EnvelopeId,
  FetchBack,
  HEADER,
  KeyId,
  parseEnvelope,
  parsePaperEnvelope,
  RoutingId,
  toHex,
  type CborValue,
  type PaperEnvelope,
} from "@pericard/protocol";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyFolderPaths } from "../src/config.ts";
import type { Answer } from "./support/http.ts";
import { PaperTestTerminal } from "./support/paper-terminal.ts";
import { TestRecording } from "./support/test-recording.ts";
import { BEGIN_UNIX_MS, TestInstallation } from "./support/test-server.ts";
import type { TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let paper: PaperTestTerminal;
let pericard: TestTerminal;

beforeAll(async () => {
  site = await new TestInstallation().start();
  paper = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
  pericard = site.terminalOf("somebody").terminal;
});
afterAll(() => site.remove());

/** A refusal on the path, without a signed statement and with nothing stored. */
async function expectRefused(message: Uint8Array, status: number, code: string): Promise<void> {
  const before = site.packBytes;
  const answer: Answer = await site.post(message);
  expect({ status: answer.status, code: answer.code }).toEqual({ status, code });
  expect([...answer.receipts, ...answer.conflicts, ...answer.rejections]).toEqual([]);
  expect(site.packBytes).toBe(before);
}

const flipped = (bytes: Uint8Array): Uint8Array => bytes.with(9, (bytes[9] ?? 0) ^ 1);
const gzip = (bytes: Uint8Array): Uint8Array => BYTE_CODECS.gzip.encode(bytes);

/** Every copy, as somebody with the files and without the key-encryption key would. */
function changeRows(sql: string, id: string): void {
  for (const folder of keyFolderPaths(site.config)) {
    const database = new DatabaseSync(join(folder, "keys.sqlite"));
    database.prepare(sql).run(id);
    database.close();
  }
}

function reopened(): KeyStore {
  return KeyStore.open(keyFolderPaths(site.config), site.kek, systemRandom);
}

function changed(envelope: Uint8Array, edit: Partial<PaperEnvelope>): Uint8Array {
  return encodePaperEnvelope({ ...parsePaperEnvelope(envelope), ...edit });
}

describe("an upload of suite paper-2018", () => {
  test("is stored, receipted by h, read back exactly and marked", async () => {
    const terminal = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
    const patient = site.store.addPatient(site.tenant.id, "on paper", BEGIN_UNIX_MS);
    site.store.assign(terminal.registered.serial, patient.id, BEGIN_UNIX_MS, "test");
    const segments = [terminal.next(), terminal.next(), terminal.next()];
    const answer = await site.post(terminal.envelope(segments.map(({ sealed }) => sealed)));
    expect(answer.receipted).toEqual(segments.map(({ hash }) => toHex(hash)).toSorted());
    const account = site.store.addAccount(site.tenant.id, "clinician", "clinician");
    const { library } = site.server.context;
    const description = await library.getRecording(account, terminal.recording);
    expect(description).toMatchObject({ suite: "paper-2018", synthetic: true, frameCount: 750, segmentCount: 3 });
    const { leads } = await library.readSamples(account, terminal.recording, { fromFrame: 0, toFrame: 750 }, "code");
    for (const [i, lead] of leads.entries()) {
      expect([...lead]).toEqual(segments.flatMap((segment) => [...(segment.leads[i] ?? [])]));
    }
  });

  test.each(["gzip", "dedup", "gzip+dedup", "dedup+gzip"] as const)(
    "is opened whether its codec is %s",
    async (codec) => {
      const terminal = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
      const { sealed, hash } = terminal.next();
      const answer = await site.post(terminal.envelope([sealed], { codec }));
      expect(answer.receipted).toEqual([toHex(hash)]);
    },
  );

  test("that comes again is receipted again and stored once", async () => {
    const terminal = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
    const { sealed, hash } = terminal.next();
    await site.post(terminal.envelope([sealed]));
    const before = site.packBytes;
    expect((await site.post(terminal.envelope([sealed]))).receipted).toEqual([toHex(hash)]);
    expect(site.packBytes).toBe(before);
  });

  test("says its gaps as in pericard-1", async () => {
    const terminal = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
    await site.post(terminal.envelope([terminal.next().sealed]));
    const gap = terminal.gap(1);
    expect((await site.post(gap)).receipted).toEqual([toHex(sha256(gap))]);
  });

  test("keeps the chain: another segment at a taken place is a conflict", async () => {
    const terminal = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
    await site.post(terminal.envelope([terminal.next().sealed]));
    const answer = await site.post(terminal.envelope([terminal.next(250, { sequence: 0, prev: null }).sealed]));
    expect(answer.conflicts.map(({ cause }) => cause)).toEqual(["sequence"]);
    expect(answer.receipted).toEqual([]);
  });

  test("a recording of pericard-1 is not marked", async () => {
    const recording = new TestRecording(pericard);
    await site.post(pericard.envelope(recording.next().sealed));
    const account = site.store.addAccount(site.tenant.id, "clinician", "clinician");
    const described = await site.server.context.library.getRecording(account, recording.id);
    expect(described.suite).toBe("pericard-1");
  });
});

describe("a message of the other suite is refused", () => {
  test("pericard-1 from a terminal that is registered for paper-2018", async () => {
    const content = pericard.sealContent([new TestRecording(pericard).next().sealed], { routing: paper.routing });
    await expectRefused(paper.sign("pericard/envelope", content), 422, "ERR_SUITE_REFUSED");
  });

  test("paper-2018 from a terminal that is registered for pericard-1", async () => {
    const envelope = paper.envelope([paper.next().sealed], { routing: pericard.routing });
    await expectRefused(envelope, 422, "ERR_SUITE_REFUSED");
  });

  test("a request for what is its own from a terminal of paper-2018: it has no key to return it to", async () => {
    const asked = { routing: paper.routing, contact: 1, cycle: 0, index: 0, asked: null };
    const request = paper.sign("pericard/fetch-back", FetchBack.encode(asked));
    await expectRefused(request, 422, "ERR_SUITE_REFUSED");
  });

  test("paper-2018 whose suite id was changed", async () => {
    const envelope = paper.envelope([paper.next().sealed]);
    for (const suite of [1, 2, 23]) await expectRefused(envelope.with(1, suite), 400, "ERR_SUITE_UNKNOWN");
  });

  test("pericard-1 whose suite id was changed, signed again", async () => {
    const content = pericard.sealContent([new TestRecording(pericard).next().sealed]);
    const other = ofSuite(0, content);
    expect(ofSuite(1, content)).toEqual(content);
    await expectRefused(pericard.sign("pericard/envelope", other), 400, "ERR_SUITE_UNKNOWN");
  });

  test("pericard-1 without psk_id, signed again", async () => {
    const content = pericard.sealContent([new TestRecording(pericard).next().sealed]);
    await expectRefused(pericard.sign("pericard/envelope", withoutPskId(content)), 400, "ERR_HEADER_MALFORMED");
  });

  test("segments of pericard-1 in an envelope of paper-2018 are rejected one by one", async () => {
    const foreign = new TestRecording(pericard).next();
    const own = paper.next();
    const answer = await site.post(paper.envelope([foreign.sealed, own.sealed]));
    expect(answer.receipted).toEqual([toHex(own.hash)]);
    expect(rejectedIn(answer)).toEqual([{ code: "ERR_CBOR_MALFORMED", hash: toHex(foreign.hash) }]);
  });

  test("segments of paper-2018 in an envelope of pericard-1 are rejected", async () => {
    const { sealed, hash } = paper.next();
    const answer = await site.post(pericard.envelope(sealed));
    expect(rejectedIn(answer)).toEqual([{ code: "ERR_COSE_STRUCTURE", hash: toHex(hash) }]);
  });
});

/** The same envelope as a recipient without a psk would have it. */
function withoutPskId(content: Uint8Array): Uint8Array {
  const { recipient, ...message } = parseEnvelope(content);
  const header = new Map<number, CborValue>([
    [HEADER.alg, ALGORITHM.hpke4KeyEncryption],
    [HEADER.kid, KeyId.toBytes(recipient.hpkeKey)],
  ]);
  return encodeEncrypt({ ...message, recipientProtectedBytes: encodeCbor(header) });
}

/** The same envelope as one that names another suite. */
function ofSuite(suite: number, content: Uint8Array): Uint8Array {
  const { header, ...message } = parseEnvelope(content);
  const ids = [EnvelopeId.toBytes(header.envelope), RoutingId.toBytes(header.routing)];
  const fields = [suite, ...ids, header.commitment, header.paddedBytes];
  return encodeEncrypt({ ...message, protectedBytes: encodePericardHeader(ALGORITHM.aes256Gcm, fields) });
}

/** Code and h of each signed refusal. */
function rejectedIn({ rejections }: Answer) {
  return rejections.flatMap(({ code, hashes }) => hashes.map((hash) => ({ code, hash: toHex(hash) })));
}

describe("an envelope of paper-2018 that was changed", () => {
  test("in what is signed is refused", async () => {
    const envelope = paper.envelope([paper.next().sealed]);
    const { ciphertext, digest, wrappedKey, signature } = parsePaperEnvelope(envelope);
    for (const edit of [
      { ciphertext: flipped(ciphertext) },
      { digest: flipped(digest) },
      { wrappedKey: flipped(wrappedKey) },
      { signature: flipped(signature) },
    ]) {
      await expectRefused(changed(envelope, edit), 403, "ERR_SIGNATURE_INVALID");
    }
  });

  test("in what is not signed is refused on the path, and no statement says so", async () => {
    const envelope = paper.envelope([paper.next().sealed]);
    await expectRefused(changed(envelope, { index: 1 }), 422, "ERR_MESSAGE_REFUSED");
    await expectRefused(changed(envelope, { codec: "dedup" }), 422, "ERR_MESSAGE_REFUSED");
    await expectRefused(changed(envelope, { codec: "dedup+gzip" }), 422, "ERR_MESSAGE_REFUSED");
    const stranger = RoutingId.fromBytes(systemRandom(8));
    await expectRefused(changed(envelope, { routing: stranger }), 403, "ERR_TERMINAL_UNKNOWN");
    const other = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
    await expectRefused(changed(envelope, { routing: other.routing }), 403, "ERR_SIGNATURE_INVALID");
  });

  test("is refused for a K_K of another key, of another server or of nothing", async () => {
    const { sealed } = paper.next();
    await expectRefused(paper.envelope([sealed], { transportKey: systemRandom(8) }), 422, "ERR_MESSAGE_REFUSED");
    const { leave } = paper.tenant;
    const pair = drawPaperRsaPair(leave);
    const recipient = paperRsaPrivate(leave, pair.privateDer);
    await expectRefused(paper.envelope([sealed], { recipient }), 422, "ERR_MESSAGE_REFUSED");
  });

  test("is refused for a content that is none, too many or too large, before it is made", async () => {
    await expectRefused(paper.envelope(systemRandom(64)), 422, "ERR_MESSAGE_REFUSED");
    await expectRefused(paper.envelope(gzip(systemRandom(64))), 422, "ERR_MESSAGE_REFUSED");
    await expectRefused(paper.envelope(gzip(encodeCbor([]))), 422, "ERR_MESSAGE_REFUSED");
    await expectRefused(
      paper.envelope(gzip(encodeCbor(Array.from({ length: 65 }, () => new Uint8Array(1))))),
      422,
      "ERR_MESSAGE_REFUSED",
    );
    await expectRefused(paper.envelope(gzip(new Uint8Array(64 * 1024 * 1024))), 422, "ERR_MESSAGE_REFUSED");
  });

  test("a segment of another terminal, tenant or stream is rejected, its neighbours are not", async () => {
    const other = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
    const terminal = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
    const [foreign, streamed, own] = [other.next(), other.next(250, { stream: 16 }), terminal.next()];
    const answer = await site.post(terminal.envelope([foreign.sealed, own.sealed]));
    expect(answer.receipted).toEqual([toHex(own.hash)]);
    expect(rejectedIn(answer)).toEqual([{ code: "ERR_MESSAGE_REFUSED", hash: toHex(foreign.hash) }]);
    const second = await other.envelope([streamed.sealed]);
    expect(rejectedIn(await site.post(second))).toEqual([{ code: "ERR_MESSAGE_REFUSED", hash: toHex(streamed.hash) }]);
  });
});

describe("a tenant that was not created synthetic", () => {
  test("has no leave, and no terminal of the suite can be registered", () => {
    const real = site.store.addTenant("real", false, BEGIN_UNIX_MS);
    expect(() => site.store.getPaperTenant(real.id)).toThrow(
      expect.objectContaining({ code: "ERR_SUITE_GUARD" }) as Error,
    );
    const leave = SyntheticTenant.admit({ id: real.id, synthetic: true });
    const block = { index: site.store.nextBlockIndex, block: systemRandom(960) };
    expect(() => site.store.allocatePaperTerminal(leave, block, BEGIN_UNIX_MS)).toThrow(CryptoError);
    expect(site.store.terminals(real.id)).toEqual([]);
  });

  test("does not become one when the flag is changed in the file", () => {
    const real = site.store.addTenant("made synthetic later", false, BEGIN_UNIX_MS);
    changeRows("UPDATE tenants SET synthetic = 1 WHERE id = ?", real.id);
    const store = reopened();
    expect(store.tenants().find(({ id }) => id === real.id)?.synthetic).toBe(true);
    expect(() => store.getPaperTenant(real.id)).toThrow(expect.objectContaining({ code: "ERR_SUITE_GUARD" }) as Error);
    store.close();
  });

  test("does not become one by another tenant's rsa key", () => {
    const real = site.store.addTenant("with a borrowed key", false, BEGIN_UNIX_MS);
    changeRows("UPDATE tenants SET synthetic = 1 WHERE id = ?", real.id);
    changeRows("INSERT INTO paper_tenants SELECT ?, public_key, sealed_private FROM paper_tenants LIMIT 1", real.id);
    const store = reopened();
    expect(() => store.getPaperTenant(real.id)).toThrow(expect.objectContaining({ code: "ERR_SEAL_BROKEN" }) as Error);
    store.close();
  });

  test("takes its terminals out when it stops being synthetic", async () => {
    const tenant = site.store.addTenant("second", true, BEGIN_UNIX_MS);
    const terminal = new PaperTestTerminal(site.store, tenant.id, BEGIN_UNIX_MS);
    expect((await site.post(terminal.envelope([terminal.next().sealed]))).status).toBe(200);
    changeRows("UPDATE tenants SET synthetic = 0 WHERE id = ?", tenant.id);
    site.pass(1001);
    await expectRefused(terminal.envelope([terminal.next().sealed]), 422, "ERR_SUITE_REFUSED");
    await expectRefused(terminal.gap(7), 422, "ERR_SUITE_REFUSED");
  });

  test("a terminal of pericard-1 that is made one of paper-2018 in the file is refused", async () => {
    const { terminal } = site.terminalOf("whose terminal is changed");
    changeRows("UPDATE terminals SET suite = 0 WHERE serial = ?", terminal.registered.serial);
    site.pass(1001);
    await expectRefused(terminal.envelope(new TestRecording(terminal).next().sealed), 422, "ERR_SUITE_REFUSED");
    const envelope = paper.envelope([paper.next().sealed], { routing: terminal.routing });
    await expectRefused(envelope, 422, "ERR_SUITE_REFUSED");
  });
});
