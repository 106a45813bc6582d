/** Paper A's own key change from end to end: that it works over any network, and what whoever is on the path does to it. */
import {
  desEncrypt,
  openPaperKeyOrder,
  PAPER_GROUP,
  paperAgreement,
  paperExchangeKey,
  sealPaperKeyOrder,
  sha256,
  SyntheticTenant,
  systemRandom,
} from "@pericard/crypto";
import {
  CHANGES_PER_KEY_MAX,
  compareKeyUse,
  encodeCbor,
  fromHex,
  KeyRefused,
  PaperKeyAnswer,
  PaperKeyOffer,
  PaperKeyOrder,
  parseSigned,
  readPaperKeyMessage,
  SUITE,
  toHex,
  USE_COUNT_MAX,
  type KeyOrder,
} from "@pericard/protocol";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { fittingMaximum } from "../../server/src/keys/key-policy.ts";
import { anySteps, takeStep } from "./support/key-steps.ts";
import { KeyWorld, type Cut } from "./support/key-world.ts";

const SLOW_USES_PER_DAY = 300;
const FIRST = { cycle: 0, index: 0, use: 0 };
const ONE = new Uint8Array(48).with(47, 1);
const Q = PAPER_GROUP.prime;
/** Q + n, for a small n: Q ends in 6b. */
const nearQ = (n: number): Uint8Array => Q.with(47, (Q[47] ?? 0) + n);

const worlds: KeyWorld[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.remove();
});

function makeWorld(suite: 0 | 1 = SUITE.paper2018): KeyWorld {
  const world = new KeyWorld(suite);
  worlds.push(world);
  world.observe(10, SLOW_USES_PER_DAY);
  return world;
}

function expectAgreement({ life, lastDone, module }: KeyWorld): void {
  expect(life.changes.filter(({ state }) => state === "offered" || state === "ordered")).toEqual([]);
  expect(lastDone).toBeDefined();
  expect(module.keyUse).toMatchObject({ maximum: lastDone?.maximum, policyVersion: lastDone?.version });
}

const kindsOf = ({ life }: KeyWorld): readonly string[] => life.alarms.map(({ kind }) => kind);
const leaveOf = ({ terminal }: KeyWorld): SyntheticTenant =>
  SyntheticTenant.admit({ id: terminal.tenant, synthetic: true });

/** Takes the one message that is under way. */
function only(queue: Uint8Array[]): Uint8Array {
  const [message, ...others] = queue.splice(0);
  expect(others).toEqual([]);
  return message ?? new Uint8Array(0);
}

/** The code of the one refusal that the terminal signed. */
const refusalOf = ({ toServer }: KeyWorld): string => KeyRefused.decode(parseSigned(only(toServer)).payload).code;

describe("a terminal of suite paper-2018 that uses its keys too slowly", () => {
  test("gets a smaller maximum by three messages that nobody signed, and signs that it took it", async () => {
    const world = makeWorld();
    world.seal(3);
    await world.contact();
    const [offer] = world.toTerminal;
    expect(readPaperKeyMessage(offer as Uint8Array).type).toBe("paper-2018/key-offer");
    world.take(only(world.toTerminal));
    expect(readPaperKeyMessage(world.toServer[0] as Uint8Array).type).toBe("paper-2018/key-answer");
    await world.receive(only(world.toServer));
    expect(readPaperKeyMessage(world.toTerminal[0] as Uint8Array).type).toBe("paper-2018/key-order");
    world.take(only(world.toTerminal));
    expect(parseSigned(world.toServer[0] as Uint8Array).type).toBe("pericard/key-taken");
    await world.receive(only(world.toServer));
    expectAgreement(world);
    expect(world.module.keyUse.maximum).toBe(fittingMaximum(SLOW_USES_PER_DAY + 3 / 10));
    expect(world.lastDone).toMatchObject({ version: 1, taken: { cycle: 0, index: 0, use: 3 } });
    expect(world.life.alarms).toEqual([]);
  });

  const cuts: readonly Cut[] = (["before", "after"] as const).flatMap((when) =>
    [0, 1, 2, 3].map((writes) => ({ writes, when })),
  );

  test.each(cuts)("gets it although power goes at both sides $when write $writes", async (cut) => {
    const world = makeWorld();
    world.serverPower.cut = cut;
    world.terminalPower.cut = cut;
    await world.contact();
    await world.deliverAll();
    await world.heal();
    expectAgreement(world);
    expect(world.life.changes).toHaveLength(1);
    expect(kindsOf(world)).toEqual([]);
  });

  test("goes on above the version that it answered when the server's key store was restored", async () => {
    const world = makeWorld();
    const copy = world.copyKeys();
    await world.contact();
    world.take(only(world.toTerminal));
    world.toServer.splice(0);
    world.restoreKeys(copy);
    await world.heal();
    expectAgreement(world);
    expect(world.life.changes).toMatchObject([{ state: "refused", code: "ERR_KEY_CHANGE_OLD" }, { state: "done" }]);
  });
});

test("whatever is lost, repeated, reordered, delayed or cut, both sides end with the same maximum", async () => {
  await fc.assert(
    fc.asyncProperty(anySteps, async (steps) => {
      const world = new KeyWorld(SUITE.paper2018);
      try {
        world.observe(10, SLOW_USES_PER_DAY);
        let last = world.module.keyUse;
        for (const what of steps) {
          await takeStep(world, what);
          expect(compareKeyUse(world.module.keyUse, last)).toBeGreaterThanOrEqual(0);
          expect(world.module.keyUse.policyVersion).toBeGreaterThanOrEqual(last.policyVersion);
          last = world.module.keyUse;
        }
        await world.heal();
        await world.heal();
        expectAgreement(world);
        expect(world.life.changes.length).toBeLessThanOrEqual(CHANGES_PER_KEY_MAX);
        expect(kindsOf(world)).toEqual([]);
      } finally {
        world.remove();
      }
    }),
    { numRuns: 10 },
  );
});

/** Somebody between both sides, with a pair of their own. */
class Middle {
  readonly #world: KeyWorld;
  readonly #leave: SyntheticTenant;
  readonly #pair;

  constructor(world: KeyWorld) {
    this.#world = world;
    this.#leave = leaveOf(world);
    this.#pair = paperAgreement(this.#leave, PAPER_GROUP).draw(systemRandom);
  }

  /** The offer with another A; this side's own unless told. */
  offer(offer: Uint8Array, publicKey: Uint8Array = this.#pair.publicKey): Uint8Array {
    return PaperKeyOffer.encode({ ...PaperKeyOffer.decode(offer), publicKey });
  }

  /** An answer to the offer as it was, with another B. */
  answer(offer: Uint8Array, publicKey: Uint8Array = this.#pair.publicKey): Uint8Array {
    return PaperKeyAnswer.encode({ routing: this.#world.terminal.routing, offerHash: sha256(offer), publicKey });
  }

  /** K with whoever sent that. */
  agree(publicKey: Uint8Array): Uint8Array {
    return paperAgreement(this.#leave, PAPER_GROUP).agree(this.#pair.secret, publicKey);
  }

  open(shared: Uint8Array, order: Uint8Array): KeyOrder {
    return openPaperKeyOrder(this.#leave, shared, PaperKeyOrder.decode(order));
  }

  order(shared: Uint8Array, order: KeyOrder): Uint8Array {
    return sealPaperKeyOrder(this.#leave, shared, this.#world.terminal.routing, order);
  }
}

/** A change in which the one in the middle has put itself between both; the order is not delivered yet. */
async function begin(world: KeyWorld) {
  const middle = new Middle(world);
  await world.contact();
  const offer = only(world.toTerminal);
  world.take(middle.offer(offer));
  const terminalK = middle.agree(PaperKeyAnswer.decode(only(world.toServer)).publicKey);
  await world.receive(middle.answer(offer));
  const serverK = middle.agree(PaperKeyOffer.decode(offer).publicKey);
  return { middle, terminalK, ordered: middle.open(serverK, only(world.toTerminal)) };
}

describe("a man in the middle", () => {
  test("reads the maximum that was ordered and sets another; who holds back the terminal's word is not noticed", async () => {
    const world = makeWorld();
    const { middle, terminalK, ordered } = await begin(world);
    expect(ordered).toMatchObject({ version: 1, maximum: fittingMaximum(SLOW_USES_PER_DAY) });
    world.take(middle.order(terminalK, { ...ordered, maximum: USE_COUNT_MAX.min }));
    expect(parseSigned(only(world.toServer)).type).toBe("pericard/key-taken");
    expect(world.module.keyUse).toMatchObject({ maximum: USE_COUNT_MAX.min, policyVersion: 1 });
    world.seal(10);
    await world.contact();
    world.toTerminal.splice(0);
    expect(kindsOf(world)).toEqual([]);
    expect(world.life.changes).toMatchObject([{ state: "ordered", maximum: ordered.maximum }]);
  });

  test("is told apart only when the terminal's signed word comes through", async () => {
    const world = makeWorld();
    const { middle, terminalK, ordered } = await begin(world);
    world.take(middle.order(terminalK, { ...ordered, maximum: USE_COUNT_MAX.max }));
    await world.receive(only(world.toServer));
    expect(kindsOf(world)).toEqual(["exchange"]);
    expect(world.module.keyUse.maximum).toBe(USE_COUNT_MAX.max);
  });

  test("needs no server: whoever answers the terminal makes the whole exchange", () => {
    const world = makeWorld();
    const middle = new Middle(world);
    const offer = PaperKeyOffer.encode({ routing: world.terminal.routing, version: 9, publicKey: ONE });
    world.take(middle.offer(offer));
    const shared = middle.agree(PaperKeyAnswer.decode(only(world.toServer)).publicKey);
    world.take(middle.order(shared, { version: 9, maximum: 4711, effectiveFrom: FIRST }));
    expect(world.module.keyUse).toMatchObject({ maximum: 4711, policyVersion: 9 });
  });

  test("cannot leave the bounds, nor change it more than three times with one key", async () => {
    const world = makeWorld();
    const { middle, terminalK, ordered } = await begin(world);
    for (const maximum of [0, 1, USE_COUNT_MAX.min - 1, USE_COUNT_MAX.max + 1]) {
      const body = encodeCbor([1, maximum, [0, 0, 0]]);
      const ciphertext = desEncrypt(leaveOf(world), paperExchangeKey(leaveOf(world), terminalK), body);
      world.take(PaperKeyOrder.encode({ routing: world.terminal.routing, version: 1, ciphertext }));
      expect(refusalOf(world)).toBe("ERR_FIELD_RANGE");
    }
    expect(world.module.keyUse.maximum).toBe(USE_COUNT_MAX.standard);
    world.take(middle.order(terminalK, ordered));
    world.toServer.splice(0);
    for (let version = 2; version <= CHANGES_PER_KEY_MAX + 1; version += 1) {
      world.take(middle.offer(PaperKeyOffer.encode({ routing: world.terminal.routing, version, publicKey: ONE })));
      const shared = middle.agree(PaperKeyAnswer.decode(only(world.toServer)).publicKey);
      world.take(middle.order(shared, { version, maximum: 400 + version, effectiveFrom: FIRST }));
      if (version <= CHANGES_PER_KEY_MAX) world.toServer.splice(0);
    }
    expect(refusalOf(world)).toBe("ERR_KEY_CHANGE_LIMIT");
    expect(world.module.keyUse.maximum).toBe(400 + CHANGES_PER_KEY_MAX);
  });
});

describe("a number that the paper does not check", () => {
  test.each([
    ["0", new Uint8Array(48)],
    ["Q", Q],
    ["Q + 1", nearQ(1)],
    ["2^384 - 1", new Uint8Array(48).fill(0xff)],
  ])("is refused as A and ends the change as B when it is none of the group: %s", async (_, publicKey) => {
    const world = makeWorld();
    const middle = new Middle(world);
    await world.contact();
    const offer = only(world.toTerminal);
    world.take(middle.offer(offer, publicKey));
    expect(refusalOf(world)).toBe("ERR_SHARED_SECRET");
    await world.receive(middle.answer(offer, publicKey));
    expect(world.life.changes).toMatchObject([{ state: "cancelled", code: "ERR_SHARED_SECRET" }]);
    expect(world.module.keyUse).toMatchObject({ maximum: USE_COUNT_MAX.standard, policyVersion: 0 });
  });

  test.each([
    ["1", ONE],
    ["Q - 1", nearQ(-1)],
  ])("is taken when it is %s, and everybody knows K", async (_, publicKey) => {
    const world = makeWorld();
    const middle = new Middle(world);
    await world.contact();
    world.take(middle.offer(only(world.toTerminal), publicKey));
    world.toServer.splice(0);
    for (const shared of [ONE, publicKey]) {
      world.take(middle.order(shared, { version: 1, maximum: 5000, effectiveFrom: FIRST }));
    }
    expect(world.module.keyUse).toMatchObject({ maximum: 5000, policyVersion: 1 });
  });
});

describe("between the suites", () => {
  const mismatch = expect.objectContaining({ code: "ERR_TYPE_MISMATCH" }) as Error;

  test("a terminal takes no message of the other's key change, and answers nothing", async () => {
    const [paper, pericard] = [makeWorld(), makeWorld(SUITE.pericard1)];
    await paper.contact();
    await pericard.contact();
    const [paperOffer, offer] = [only(paper.toTerminal), only(pericard.toTerminal)];
    expect(() => pericard.take(paperOffer)).toThrow(mismatch);
    expect(() => paper.take(offer)).toThrow(mismatch);
    expect([paper.toServer, pericard.toServer]).toEqual([[], []]);
  });

  test("a server takes no answer of the other's", async () => {
    const [paper, pericard] = [makeWorld(), makeWorld(SUITE.pericard1)];
    const refused = expect.objectContaining({ code: "ERR_SUITE_REFUSED" }) as Error;
    const { routing } = pericard.terminal;
    const unsigned = PaperKeyAnswer.encode({ routing, offerHash: sha256(ONE), publicKey: ONE });
    await expect(pericard.receive(unsigned)).rejects.toThrow(refused);
    const signed = paper.module.sign("pericard/key-answer", paper.terminal.routing, fromHex("00"));
    await expect(paper.receive(signed)).rejects.toThrow(refused);
    expect(toHex(unsigned).startsWith("8500")).toBe(true);
  });
});
