/** What a running server learns of a terminal's keys: over HTTP, in the key store, in the audit trail. */
import { sha256, systemRandom, x25519Agreement } from "@pericard/crypto";
import { KeyAnswer, KeyOffer, KeyTaken, parseSigned, toHex } from "@pericard/protocol";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS } from "../src/keys/key-policy.ts";
import { signIn } from "./support/reading.ts";
import { TestRecording } from "./support/test-recording.ts";
import { TestInstallation } from "./support/test-server.ts";
import { drawBoot, type TestTerminal } from "./support/test-terminal.ts";

let site: TestInstallation;
let terminal: TestTerminal;
beforeEach(async () => {
  site = await new TestInstallation().start();
  terminal = site.terminal();
});
afterEach(() => site.remove());

const serial = () => terminal.registered.serial;
const life = () => site.store.keyLife(serial());
const kinds = (): readonly string[] => life().alarms.map(({ kind }) => kind);

/** Actions of the audit trail about the terminal's keys. */
function audited(): readonly string[] {
  const database = new DatabaseSync(join(site.config.dataPath, "catalog", "catalog.sqlite"), { readOnly: true });
  const rows = database
    .prepare("SELECT actor, action, outcome FROM audit WHERE action LIKE '%key%' ORDER BY number")
    .all();
  database.close();
  return rows.map(({ actor, action, outcome }) => `${String(actor)}: ${String(action)}: ${String(outcome)}`);
}

/** Key messages in the answer to a status. */
async function contact(use: number): Promise<readonly Uint8Array[]> {
  const answer = await site.server.context.ingest.receive(terminal.status({ use }), WAIT);
  return answer.filter((message) => parseSigned(message).type.startsWith("pericard/key-"));
}
const WAIT = { waitMs: 0, signal: new AbortController().signal };

/** A terminal that the server has seen for ten days, at 300 uses a day. */
async function seeSlowTerminal(): Promise<readonly Uint8Array[]> {
  for (let day = 0; day < 10; day += 1) {
    await contact(day * 300);
    site.pass(DAY_MS);
  }
  return contact(3000);
}

describe("a high-water mark", () => {
  test("rises with statuses and segments, one row a day, and is there after a restart", async () => {
    await contact(40);
    const recording = new TestRecording(terminal);
    await site.post(terminal.envelope(recording.next({ header: { use: 2000 } }).sealed));
    expect(life().marks).toMatchObject([{ cycle: 0, index: 0, use: 2001, usedCount: 2001 }]);
    site.pass(DAY_MS);
    await contact(2010);
    expect(life().marks).toMatchObject([{ use: 2001 }, { use: 2010, usedCount: 2010 }]);
    await site.stop();
    await site.start();
    await contact(2020);
    expect(kinds()).toEqual([]);
  });

  test("does not go back for segments that come late", async () => {
    await contact(5000);
    const recording = new TestRecording(terminal);
    await site.post(terminal.envelope(recording.next({ header: { use: 7 } }).sealed));
    expect(life().marks).toMatchObject([{ use: 5000 }]);
    expect(kinds()).toEqual([]);
  });

  test("is kept in steps, not with every upload", async () => {
    const recording = new TestRecording(terminal);
    await site.post(terminal.envelope(recording.next().sealed));
    const before = site.store.dataVersion;
    for (let i = 0; i < 20; i += 1) await site.post(terminal.envelope(recording.next().sealed));
    expect(site.store.dataVersion).toBe(before);
  });
});

test("a terminal that claims the last of all uses and versions is taken, and harms nobody", async () => {
  for (let day = 0; day < 10; day += 1) {
    await contact(day);
    site.pass(DAY_MS);
  }
  const last = { cycle: 2 ** 32 - 1, index: 119, use: 2 ** 32 - 1, policyVersion: 2 ** 32 - 1 };
  expect((await site.post(terminal.status(last))).status).toBe(200);
  const { sealed, hash } = new TestRecording(terminal).next({ header: last });
  expect((await site.post(terminal.envelope(sealed))).receipted).toEqual([toHex(hash)]);
  expect(life().marks.at(-1)).toMatchObject({ usedCount: Number.MAX_SAFE_INTEGER });
  site.pass(30 * DAY_MS);
  expect((await site.post(terminal.status(last))).status).toBe(200);
  expect(life().changes.map(({ version }) => version)).toEqual([1]);
});

describe("a terminal that was restored from a copy is alarmed about", () => {
  test("when its uses go back from one status to the next", async () => {
    await contact(100);
    await contact(60);
    expect(kinds()).toEqual(["use"]);
    expect(audited()).toEqual([
      `terminal ${serial()}: key alarm use: cycle 0 key 0 use 60 after cycle 0 key 0 use 100: denied`,
    ]);
    await contact(50);
    expect(kinds()).toEqual(["use"]);
    site.pass(2 * 3600 * 1000);
    await contact(40);
    expect(kinds()).toEqual(["use", "use"]);
  });

  test("when a run that is not known has old contact numbers, and not when an old status is sent again", async () => {
    const old = terminal.status({ bootId: drawBoot(), contact: 50 });
    await site.post(old);
    await site.post(terminal.status({ bootId: drawBoot(), contact: 60 }));
    expect((await site.post(old)).code).toBe("ERR_STATUS_REPLAYED");
    expect(kinds()).toEqual([]);
    const restored = await site.post(terminal.status({ bootId: drawBoot(), contact: 20 }));
    expect(restored.code).toBe("ERR_STATUS_REPLAYED");
    expect(kinds()).toEqual(["contact"]);
  });

  test("when a use sealed a second segment, which is stored all the same", async () => {
    const [one, two] = [new TestRecording(terminal), new TestRecording(terminal)];
    const first = one.next({ header: { use: 700 } });
    await site.post(terminal.envelope(first.sealed));
    await site.post(terminal.envelope(first.sealed));
    expect(kinds()).toEqual([]);
    const twice = two.next({ header: { use: 700 } });
    const answer = await site.post(terminal.envelope(twice.sealed));
    expect(answer.receipted).toEqual([toHex(twice.hash)]);
    expect(kinds()).toEqual(["repeat"]);
    await site.stop();
    await site.start();
    site.pass(2 * 3600 * 1000);
    const third = new TestRecording(terminal).next({ header: { use: 700 } });
    await site.post(terminal.envelope(third.sealed));
    expect(kinds()).toEqual(["repeat", "repeat"]);
  });

  test("but not for uses of other keys, other cycles and other terminals", async () => {
    const uses = [{ use: 3 }, { use: 259 }, { use: 4 }, { use: 3, index: 1 }, { use: 3, cycle: 1 }];
    for (const header of uses) {
      await site.post(terminal.envelope(new TestRecording(terminal).next({ header }).sealed));
    }
    const other = site.terminal();
    await site.post(other.envelope(new TestRecording(other).next({ header: { use: 3 } }).sealed));
    expect([kinds(), site.store.keyLife(other.registered.serial).alarms]).toEqual([[], []]);
  });
});

describe("a change of the maximum", () => {
  test("is offered at a contact, again a minute later, and survives a restart with the same bytes", async () => {
    const [offer, ...others] = await seeSlowTerminal();
    expect(others).toEqual([]);
    expect(KeyOffer.decode(parseSigned(offer as Uint8Array).payload)).toMatchObject({
      routing: terminal.routing,
      version: 1,
    });
    expect(await contact(3001)).toEqual([]);
    site.pass(61_000);
    expect(await contact(3002)).toEqual([offer]);
    await site.stop();
    await site.start();
    expect(await contact(3003)).toEqual([offer]);
    expect(audited()).toEqual([expect.stringMatching(/^server: key change 1 offered: maximum \d+: done$/)]);
  });

  test("goes on when the answer comes over HTTP, and what is false is refused and audited", async () => {
    const [offer] = await seeSlowTerminal();
    const { publicKey } = x25519Agreement.draw(systemRandom);
    const answer = (wish: Partial<KeyAnswer>): Uint8Array =>
      terminal.sign(
        "pericard/key-answer",
        KeyAnswer.encode({ routing: terminal.routing, offerHash: sha256(offer as Uint8Array), publicKey, ...wish }),
      );
    const stranger = site.terminal();
    expect((await site.post(answer({ routing: stranger.routing }))).code).toBe("ERR_MESSAGE_REFUSED");
    const forged = stranger.sign("pericard/key-answer", parseSigned(answer({})).payload, terminal.routing);
    expect((await site.post(forged)).code).toBe("ERR_SIGNATURE_INVALID");
    expect((await site.post(answer({ offerHash: new Uint8Array(32) }))).status).toBe(200);
    expect(kinds()).toEqual(["exchange"]);
    expect(life().changes).toMatchObject([{ state: "offered" }]);
    const receive = (bytes: Uint8Array) => site.server.context.ingest.receive(bytes, WAIT);
    const [order, ...rest] = await receive(answer({}));
    expect([parseSigned(order as Uint8Array).type, rest]).toEqual(["pericard/key-order", []]);
    expect(await receive(answer({}))).toEqual([order]);
    const taken = { routing: terminal.routing, version: 1, cycle: 0, index: 0, use: 3000 };
    const done = KeyTaken.encode({ ...taken, orderHash: sha256(order as Uint8Array) });
    expect(await receive(terminal.sign("pericard/key-taken", done))).toEqual([]);
    expect(life().changes).toMatchObject([{ state: "done", taken: { use: 3000 } }]);
    expect(audited().at(-1)).toBe(`terminal ${serial()}: key change 1 taken at cycle 0 key 0 use 3000: done`);
  });

  test("with a public key that gives no secret is ended", async () => {
    const [offer] = await seeSlowTerminal();
    const payload = KeyAnswer.encode({
      routing: terminal.routing,
      offerHash: sha256(offer as Uint8Array),
      publicKey: new Uint8Array(32),
    });
    expect((await site.post(terminal.sign("pericard/key-answer", payload))).status).toBe(200);
    expect(life().changes).toMatchObject([{ state: "cancelled", code: "ERR_SHARED_SECRET" }]);
    expect(kinds()).toEqual(["exchange"]);
  });

  test("a second, other answer to one offer ends it too", async () => {
    const [offer] = await seeSlowTerminal();
    for (let i = 0; i < 2; i += 1) {
      const { publicKey } = x25519Agreement.draw(systemRandom);
      const payload = KeyAnswer.encode({
        routing: terminal.routing,
        offerHash: sha256(offer as Uint8Array),
        publicKey,
      });
      await site.post(terminal.sign("pericard/key-answer", payload));
    }
    expect(life().changes).toMatchObject([{ state: "cancelled", code: "second-answer" }]);
    expect(kinds()).toEqual(["exchange"]);
  });
});

const get = (path: string, cookie: string): Promise<Response> =>
  fetch(`${site.server.url}/api/v1/terminals/${path}/keys`, { headers: { cookie } });

describe("the page of a terminal's keys", () => {
  test("tells place, pace, changes and alarms to the role that may read them, and is audited", async () => {
    await seeSlowTerminal();
    await contact(10);
    const response = await get(serial(), await signIn(site));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      terminalSerial: serial(),
      next: { cycle: 0, index: 0, use: 3000 },
      usesPerDay: 300,
      version: 0,
      changes: [{ version: 1, state: "offered" }],
      alarms: [{ kind: "use" }],
    });
    expect(audited().at(-1)).toMatch(/^clinician .*: read key life: allowed$/);
  });

  test("is not there for another tenant, an unknown terminal, or without a session", async () => {
    const other = site.store.addTenant("Other tenant", true, site.clock.unixMs);
    const strangers = [await get(serial(), await signIn(site, other)), await get("00000000ffff", await signIn(site))];
    expect(strangers.map(({ status }) => status)).toEqual([404, 404]);
    expect(audited().slice(-2)).toEqual([
      expect.stringMatching(/read key life: denied$/),
      expect.stringMatching(/read key life: denied$/),
    ]);
    expect((await get(serial(), "")).status).toBe(401);
    expect((await get("not-a-serial", await signIn(site))).status).toBe(400);
  });

  test("is in the description of the API", async () => {
    const response = await fetch(`${site.server.url}/api/v1/openapi.json`, { headers: { cookie: await signIn(site) } });
    const { paths } = (await response.json()) as { paths: Record<string, unknown> };
    expect(Object.keys(paths)).toContain("/api/v1/terminals/{serial}/keys");
  });
});
