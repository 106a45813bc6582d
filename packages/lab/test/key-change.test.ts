/** The key change from end to end: real module, real key store; a network and a power supply that fail. */
import { CHANGES_PER_KEY_MAX, compareKeyUse, USE_COUNT_MAX } from "@pericard/protocol";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { fittingMaximum } from "../../server/src/keys/key-policy.ts";
import { anySteps, takeStep } from "./support/key-steps.ts";
import { KeyWorld, type Cut } from "./support/key-world.ts";

const DAY_MS = 24 * 3600 * 1000;
/** A pace at which 120 keys would last a century: the server makes the maximum smaller. */
const SLOW_USES_PER_DAY = 300;

const worlds: KeyWorld[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.remove();
});

/** A world in which the server has seen ten days of slow consumption. */
function makeWorld(): KeyWorld {
  const world = new KeyWorld();
  worlds.push(world);
  world.observe(10, SLOW_USES_PER_DAY);
  return world;
}

/** Both sides know of the same change, and nothing is under way. */
function expectAgreement({ life, lastDone, module }: KeyWorld): void {
  expect(life.changes.filter(({ state }) => state === "offered" || state === "ordered")).toEqual([]);
  expect(lastDone).toBeDefined();
  expect(module.keyUse).toMatchObject({ maximum: lastDone?.maximum, policyVersion: lastDone?.version });
}

const kindsOf = ({ life }: KeyWorld): readonly string[] => life.alarms.map(({ kind }) => kind);

describe("a terminal that uses its keys too slowly", () => {
  test("gets a smaller maximum in one contact, with every step in the audit trail", async () => {
    const world = makeWorld();
    world.seal(3);
    await world.contact();
    await world.deliverAll();
    expectAgreement(world);
    expect(world.module.keyUse).toMatchObject({ policyVersion: 1, use: 3 });
    expect(world.module.keyUse.maximum).toBe(fittingMaximum(SLOW_USES_PER_DAY + 3 / 10));
    expect(world.lastDone).toMatchObject({ taken: { cycle: 0, index: 0, use: 3 }, code: null });
    expect(world.audit.map(({ action }) => action)).toEqual([
      expect.stringMatching(/^key change 1 offered: maximum \d+$/),
      expect.stringMatching(/^key change 1 ordered: maximum \d+$/),
      "key change 1 taken at cycle 0 key 0 use 3",
    ]);
    expect(world.life.alarms).toEqual([]);
  });

  test("is left alone after that", async () => {
    const world = makeWorld();
    await world.heal();
    world.nowUnixMs += 2 * 3600 * 1000;
    await world.heal();
    expect(world.life.changes).toHaveLength(1);
  });

  test("behind a gateway that was offline for weeks gets it when the gateway is back", async () => {
    const world = makeWorld();
    await world.contact();
    world.nowUnixMs += 25 * DAY_MS;
    await world.deliverAll();
    world.nowUnixMs += 25 * DAY_MS;
    await world.heal();
    expectAgreement(world);
    expect(world.life.changes).toHaveLength(1);
  });

  test("that never answers is offered a new change after 60 days, and the old answer is not taken", async () => {
    const world = makeWorld();
    await world.contact();
    const [late] = world.toTerminal.splice(0);
    world.nowUnixMs += 61 * DAY_MS;
    await world.contact();
    world.take(late as Uint8Array);
    await world.heal();
    expect(world.life.changes[0]).toMatchObject({ version: 1, state: "cancelled", code: "expired" });
  });
});

describe("a step that is cut by power", () => {
  const cuts: readonly Cut[] = (["before", "after"] as const).flatMap((when) =>
    [0, 1, 2, 3, 4].map((writes) => ({ writes, when })),
  );

  test.each(cuts)("of the server, $when write $writes, is done again and ends the same", async (cut) => {
    const world = makeWorld();
    world.serverPower.cut = cut;
    await world.contact();
    await world.deliverAll();
    await world.heal();
    expectAgreement(world);
    expect(world.life.changes).toHaveLength(1);
    expect(kindsOf(world)).toEqual([]);
  });

  test.each(cuts.filter(({ writes }) => writes < 2))(
    "of the terminal, $when write $writes, is done again and ends the same",
    async (cut) => {
      const world = makeWorld();
      world.terminalPower.cut = cut;
      await world.contact();
      await world.deliverAll();
      await world.heal();
      expectAgreement(world);
      expect(world.life.changes).toHaveLength(1);
      expect(kindsOf(world)).toEqual([]);
    },
  );
});

test("whatever is lost, repeated, reordered, delayed or cut, both sides end with the same maximum and nobody is accused", async () => {
  await fc.assert(
    fc.asyncProperty(anySteps, async (steps) => {
      const world = new KeyWorld();
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
    { numRuns: 20 },
  );
});

describe("a terminal that was restored from a copy", () => {
  test("has its exchange told apart, is alarmed about, and gets the maximum again", async () => {
    const world = makeWorld();
    world.seal(10);
    const copy = world.folder.afterPowerCut(0);
    await world.heal();
    world.seal(600);
    await world.contact();
    expect(world.module.keyUse.policyVersion).toBe(1);
    world.folder = copy;
    world.restartTerminal();
    expect(world.module.keyUse).toMatchObject({ maximum: USE_COUNT_MAX.standard, policyVersion: 0 });
    await world.contact();
    expect(kindsOf(world)).toEqual(["contact"]);
    await world.heal();
    await world.heal();
    expect(kindsOf(world)).toEqual(["contact", "use", "policy"]);
    world.seal(600);
    world.nowUnixMs += 2 * 3600 * 1000;
    await world.heal();
    expectAgreement(world);
    expect(world.module.keyUse.policyVersion).toBe(2);
  });

  test("in the middle of an exchange refuses the order, and the exchange begins anew", async () => {
    const world = makeWorld();
    const copy = world.folder.afterPowerCut(0);
    await world.contact();
    const [offer] = world.toTerminal.splice(0);
    world.take(offer as Uint8Array);
    world.folder = copy;
    world.restartTerminal();
    await world.deliverAll();
    expect(world.life.changes).toMatchObject([{ version: 1, state: "refused", code: "ERR_KEY_CHANGE_UNKNOWN" }]);
    expect(kindsOf(world)).toEqual(["exchange"]);
    world.nowUnixMs += 2 * 3600 * 1000;
    await world.heal();
    expectAgreement(world);
    expect(kindsOf(world)).toEqual(["exchange", "contact"]);
  });
});

describe("a server whose key store was restored from a copy", () => {
  test("goes on above the version that the terminal tells", async () => {
    const world = makeWorld();
    const copy = world.copyKeys();
    await world.heal();
    expect(world.module.keyUse.policyVersion).toBe(1);
    world.restoreKeys(copy);
    await world.heal();
    expectAgreement(world);
    expect(world.life.changes).toMatchObject([{ version: 2, state: "done" }]);
  });

  test("goes on above the version that the terminal answered, which no status tells", async () => {
    const world = makeWorld();
    const copy = world.copyKeys();
    await world.contact();
    const [offer] = world.toTerminal.splice(0);
    world.take(offer as Uint8Array);
    world.toServer.splice(0);
    world.restoreKeys(copy);
    await world.heal();
    expectAgreement(world);
    expect(world.life.changes).toMatchObject([
      { version: 1, state: "refused", code: "ERR_KEY_CHANGE_OLD" },
      { version: 2, state: "done" },
    ]);
    expect(kindsOf(world)).toEqual(["exchange"]);
  });
});
