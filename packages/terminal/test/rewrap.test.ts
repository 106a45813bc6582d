/** Envelopes that the server cannot open any more are sealed anew, once each. Source: docs/format.md §7.12. */
import { systemRandom } from "@pericard/crypto";
import { issueServerKey } from "@pericard/custody";
import { parseEnvelope, parseSigned, type EnvelopeId, type KeyId } from "@pericard/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { openBench, type Bench } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestClock } from "./support/test-clock.ts";
import { deployBench, recorded, upload, type UploadBench } from "./support/uploads.ts";

const shared = new Installation();
const newer = issueServerKey(shared.root, "hpke", 2, Date.UTC(2026, 3), systemRandom);
let bench: UploadBench;
let clock: TestClock;
let own: Bench;

beforeEach(async () => {
  bench = deployBench(shared);
  clock = new TestClock();
  own = await recorded(bench, 3, clock);
});

/** What was sent: of each envelope its id, and the key that it is sealed to. */
function sent(): readonly { readonly envelope: EnvelopeId; readonly hpkeKey: KeyId }[] {
  return bench.server.bodies
    .map((body) => parseSigned(body))
    .filter(({ type }) => type === "pericard/envelope")
    .map(({ payload }) => parseEnvelope(payload))
    .map(({ header, recipient }) => ({ envelope: header.envelope, hpkeKey: recipient.hpkeKey }));
}

/** A server that has destroyed its first key: it says so for every envelope that is sealed to it. */
function destroyFirstKey(statements: readonly Uint8Array[] = [newer.statement]): KeyId {
  const first = bench.server.hpkeKey.keyId;
  bench.server.judge = () => (sent().at(-1)?.hpkeKey === first ? "silent" : "receipt");
  bench.server.afterEnvelope = ({ envelope, hpkeKey }) =>
    hpkeKey === first ? [...statements, bench.server.rewrap(bench.routing, envelope, hpkeKey)] : [];
  bench.server.hpkeKeys = [newer];
  return first;
}

async function uploadFor(ms: number): Promise<void> {
  const stop = new AbortController();
  const uploading = own.terminal.upload({ signal: stop.signal });
  await clock.advance(ms);
  stop.abort();
  await uploading;
}

describe("rewrap", () => {
  test("with the statement of the newer key empties the journal at once", async () => {
    const first = destroyFirstKey();
    const uploading = upload(own);
    await clock.advance(1000);
    await uploading;
    expect(sent().map(({ hpkeKey }) => hpkeKey)).toEqual([first, newer.keyId]);
    expect(own.terminal.status()).toMatchObject({ journal: { items: 0, quarantined: 0 }, upload: { badMail: 0 } });
    expect(own.events).toContainEqual({ type: "rewrap", itemCount: 4 });
    expect(bench.server.gaps).toEqual([]);
  });

  test("without a newer key is no reason to send anything before its time", async () => {
    destroyFirstKey([]);
    await uploadFor(29_000);
    expect(sent()).toHaveLength(1);
    expect(own.terminal.status()).toMatchObject({ journal: { items: 4, quarantined: 0 } });
    expect(own.events.filter(({ type }) => type === "rewrap")).toEqual([]);
  });

  test("that is said again and again makes nothing be sent again", async () => {
    destroyFirstKey();
    bench.server.judge = () => "silent";
    await uploadFor(1000);
    const [first] = sent();
    expect(sent()).toHaveLength(2);
    // What the server said, and the same of an envelope that nobody sent: with each contact, for as long as nothing is due.
    const said = [first?.envelope ?? strange, strange];
    bench.server.intercept = () => {
      bench.server.mail = said.map((envelope) => bench.server.rewrap(bench.routing, envelope, keyOf(first)));
      return undefined;
    };
    await uploadFor(25_000);
    expect(sent()).toHaveLength(2);
    expect(bench.server.statuses.length).toBeGreaterThan(3);
    expect(own.events.filter(({ type }) => type === "rewrap")).toHaveLength(1);
  });

  test("of an envelope whose items another one carried since does nothing", async () => {
    bench.server.judge = () => "silent";
    bench.server.hpkeKeys = [newer];
    await uploadFor(31_000);
    const [first, second] = sent();
    expect(sent()).toHaveLength(2);
    bench.server.mail = [newer.statement, bench.server.rewrap(bench.routing, first?.envelope ?? strange, keyOf(first))];
    await uploadFor(5000);
    expect(sent()).toHaveLength(2);
    bench.server.mail = [bench.server.rewrap(bench.routing, second?.envelope ?? strange, keyOf(second))];
    await uploadFor(5000);
    expect(sent().map(({ hpkeKey }) => hpkeKey)).toEqual([keyOf(first), keyOf(first), newer.keyId]);
  });

  test("for another terminal, or signed by another key, is ignored and counted", async () => {
    const first = destroyFirstKey([newer.statement]);
    const stranger = deployBench(shared);
    const forger = deployBench(new Installation());
    bench.server.afterEnvelope = ({ envelope }) => [
      newer.statement,
      bench.server.rewrap(stranger.routing, envelope, first),
      forger.server.rewrap(bench.routing, envelope, first),
    ];
    await uploadFor(20_000);
    expect(sent()).toHaveLength(1);
    expect(own.terminal.status()).toMatchObject({ journal: { items: 4 }, upload: { badMail: 2 } });
  });

  test("that was not heard before a restart is not needed: what is pending is sealed to the newest key", async () => {
    const first = destroyFirstKey([newer.statement]);
    bench.server.afterEnvelope = () => [newer.statement];
    await uploadFor(1000);
    own = openBench(bench.folder.afterPowerCut(0), bench.server, { clock });
    const uploading = upload(own);
    await clock.advance(1000);
    await uploading;
    expect(sent().map(({ hpkeKey }) => hpkeKey)).toEqual([first, newer.keyId]);
    expect(own.terminal.status().journal.items).toBe(0);
  });
});

const strange = "ab".repeat(16) as EnvelopeId;
const keyOf = (one: { readonly hpkeKey: KeyId } | undefined): KeyId => one?.hpkeKey ?? newer.keyId;
