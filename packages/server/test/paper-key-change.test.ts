/** The key change of suite paper-2018 at a running server: over HTTP, in the key store, over a restart. */
import { openPaperKeyOrder, PAPER_GROUP, paperAgreement, sha256, systemRandom } from "@pericard/crypto";
import {
  isPaperKeyMessage,
  KeyAnswer,
  KeyTaken,
  PaperKeyAnswer,
  PaperKeyOffer,
  PaperKeyOrder,
  Status,
} from "@pericard/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CHANGES_PER_MONTH_MAX, DAY_MS } from "../src/keys/key-policy.ts";
import { PaperTestTerminal } from "./support/paper-terminal.ts";
import { BEGIN_UNIX_MS, TestInstallation } from "./support/test-server.ts";
import { drawBoot } from "./support/test-terminal.ts";

const WAIT = { waitMs: 0, signal: new AbortController().signal };

let site: TestInstallation;
let terminal: PaperTestTerminal;
let contactNumber: number;
beforeEach(async () => {
  site = await new TestInstallation().start();
  terminal = new PaperTestTerminal(site.store, site.tenant.id, BEGIN_UNIX_MS);
  contactNumber = 0;
});
afterEach(() => site.remove());

const bootId = drawBoot();
const life = () => site.store.keyLife(terminal.registered.serial);
const kinds = (): readonly string[] => life().alarms.map(({ kind }) => kind);
const receive = (bytes: Uint8Array) => site.server.context.ingest.receive(bytes, WAIT);

/** Messages of a key change in the answer to a status. */
async function contact(use: number): Promise<readonly Uint8Array[]> {
  contactNumber += 1;
  const status = Status.encode({
    routing: terminal.routing,
    bootId,
    contact: contactNumber,
    monotonicMs: contactNumber,
    clockUnixMs: null,
    mailSeen: 0,
    journalItemCount: 0,
    journalBytes: 0,
    journalLimitBytes: 0,
    quarantineCount: 0,
    segmentLengthMs: 10_000,
    policyVersion: 0,
    cycle: 0,
    index: 0,
    use,
    heads: [],
  });
  return (await receive(terminal.sign("pericard/status", status))).filter(isPaperKeyMessage);
}

/** Ten days at 300 uses a day, after which the maximum is too large. @returns the offer. */
async function seeSlowTerminal(): Promise<Uint8Array> {
  for (let day = 0; day < 10; day += 1) {
    await contact(day * 300);
    site.pass(DAY_MS);
  }
  const [offer, ...others] = await contact(3000);
  expect(others).toEqual([]);
  return offer ?? new Uint8Array(0);
}

function answerTo(offer: Uint8Array, wish: Partial<PaperKeyAnswer> = {}) {
  const agreement = paperAgreement(terminal.tenant.leave, PAPER_GROUP);
  const { secret, publicKey } = agreement.draw(systemRandom);
  const shared = agreement.agree(secret, PaperKeyOffer.decode(offer).publicKey);
  const answer = PaperKeyAnswer.encode({ routing: terminal.routing, offerHash: sha256(offer), publicKey, ...wish });
  return { answer, shared };
}

describe("a change of the maximum", () => {
  test("is offered, ordered under K and done, the same bytes after a restart", async () => {
    const offer = await seeSlowTerminal();
    expect(PaperKeyOffer.decode(offer)).toMatchObject({ routing: terminal.routing, version: 1 });
    await site.stop();
    await site.start();
    site.pass(61_000);
    expect(await contact(3001)).toEqual([offer]);
    const { answer, shared } = answerTo(offer);
    const [order = new Uint8Array(0), ...rest] = await receive(answer);
    expect(rest).toEqual([]);
    const { maximum } = life().changes[0] ?? {};
    expect(openPaperKeyOrder(terminal.tenant.leave, shared, PaperKeyOrder.decode(order))).toMatchObject({
      version: 1,
      maximum,
    });
    await site.stop();
    await site.start();
    expect(await receive(answer)).toEqual([order]);
    const place = { version: 1, cycle: 0, index: 0, use: 3001 };
    const taken = KeyTaken.encode({ routing: terminal.routing, orderHash: sha256(order), ...place });
    expect(await receive(terminal.sign("pericard/key-taken", taken))).toEqual([]);
    expect(life().changes).toMatchObject([{ state: "done", taken: { use: 3001 } }]);
    expect(kinds()).toEqual([]);
  });

  test("is ended by a second, other answer, which anybody can send", async () => {
    const offer = await seeSlowTerminal();
    expect(await receive(answerTo(offer).answer)).toHaveLength(1);
    expect((await site.post(answerTo(offer).answer)).status).toBe(200);
    expect(life().changes).toMatchObject([{ state: "cancelled", code: "second-answer" }]);
    expect(kinds()).toEqual(["exchange"]);
  });

  test("is ended by a B that is no number of the group", async () => {
    const offer = await seeSlowTerminal();
    await receive(answerTo(offer, { publicKey: PAPER_GROUP.prime }).answer);
    expect(life().changes).toMatchObject([{ state: "cancelled", code: "ERR_SHARED_SECRET" }]);
  });

  test("begins three times in 30 days at most, whatever became of each", async () => {
    let offer: Uint8Array | undefined = await seeSlowTerminal();
    for (let use = 3001; offer; use += 1) {
      await receive(answerTo(offer, { publicKey: new Uint8Array(48) }).answer);
      site.pass(2 * 3600 * 1000);
      [offer] = await contact(use);
    }
    expect(life().changes).toHaveLength(CHANGES_PER_MONTH_MAX);
  });
});

describe("an answer is refused", () => {
  test("from a terminal of the other suite, in both directions", async () => {
    const offer = await seeSlowTerminal();
    const pericard = site.terminal();
    const unsigned = await site.post(answerTo(offer, { routing: pericard.routing }).answer);
    expect(unsigned).toMatchObject({ status: 422, code: "ERR_SUITE_REFUSED" });
    const payload = KeyAnswer.encode({
      routing: terminal.routing,
      offerHash: sha256(offer),
      publicKey: new Uint8Array(32),
    });
    const signed = await site.post(terminal.sign("pericard/key-answer", payload));
    expect(signed).toMatchObject({ status: 422, code: "ERR_SUITE_REFUSED" });
    expect(life().changes).toMatchObject([{ state: "offered" }]);
  });

  test("from nobody who is known, and when it is malformed or what a server sends", async () => {
    const offer = await seeSlowTerminal();
    const { answer } = answerTo(offer);
    const stranger = answer.slice();
    // The routing id stands before the hash and B.
    stranger.set(systemRandom(8), answer.length - 50 - 34 - 8);
    expect((await site.post(stranger)).code).toBe("ERR_TERMINAL_UNKNOWN");
    expect((await site.post(answer.slice(0, -1))).code).toBe("ERR_CBOR_MALFORMED");
    expect((await site.post(offer)).code).toBe("ERR_TYPE_MISMATCH");
    expect(life().changes).toMatchObject([{ state: "offered" }]);
  });

  test("to an offer that was not made, with an alarm", async () => {
    const offer = await seeSlowTerminal();
    expect((await site.post(answerTo(offer, { offerHash: new Uint8Array(32) }).answer)).status).toBe(200);
    expect(life().changes).toMatchObject([{ state: "offered" }]);
    expect(kinds()).toEqual(["exchange"]);
  });
});
