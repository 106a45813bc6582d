/** Nothing that a module shows is a key. */
import {
  deriveGroupKey,
  keyIdOf,
  rawPublicKey,
  sealReturned,
  systemRandom,
  x25519Private,
  x25519Public,
} from "@pericard/crypto";
import { RecordingId, RoutingId } from "@pericard/protocol";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { SecureModule } from "../src/index.ts";
import { loadModule, TENANT, type LoadedModule } from "./support/modules.ts";
import { bytesReachable, expectNoSecret, secretsOf } from "./support/secrets.ts";

/** A page that is sealed to a module, opened by it. */
function openOwnPage({ block }: LoadedModule, module: SecureModule, routing: RoutingId): unknown {
  const binding = { suite: module.suite, tenant: TENANT, terminal: module.terminal };
  const returnKey = deriveGroupKey(block, binding, "return", 0, 0);
  const asked = { routing, requestHash: systemRandom(32) };
  const keys = { agreePublicKey: module.agreePublicKey, returnKey, cycle: 0, index: 0 };
  return module.openReturned(
    sealReturned(keys, asked, { kind: "list", streams: [], more: false }, systemRandom),
    asked,
  );
}

/** Calls everything that a module can do. */
function callEverything(loaded: LoadedModule, module: SecureModule): readonly unknown[] {
  const recording = RecordingId.fromBytes(systemRandom(16));
  const routing = RoutingId.fromBytes(systemRandom(8));
  const lead = {
    name: "I",
    units: "mV",
    gainAduPerUnit: "1",
    baselineAdu: 0,
    samplesPerFrame: 1,
    skewFrames: 0,
    adcResolutionBits: 0,
    adcZeroAdu: 0,
    missingCode: null,
  };
  const shape = { frameRateHz: { num: 1, den: 1 }, leads: [lead] };
  const times = { boot: null, claimed: null, predecessor: null };
  const descriptor = { kind: 1, ...times, firstFrame: 0, frameCount: 0, shape } as const;
  const body = { descriptor, codec: "lead-residual", encoded: new Uint8Array(3) } as const;
  const sealed = module.sealSegment({ recording, stream: 0, sequence: 0, prev: null, final: false }, body);
  const note = module.sealNote("draft", 7, new Uint8Array(5));
  const hpkePublic = x25519Public(rawPublicKey(x25519Private(systemRandom(32))));
  const recipient = { hpkeKey: keyIdOf(rawPublicKey(hpkePublic)), hpkePublic };
  return [
    module.keyUse,
    sealed,
    module.openSegment(sealed),
    note,
    module.openNote("draft", 7, note),
    module.sealEnvelope(recipient, routing, [sealed]),
    openOwnPage(loaded, module, routing),
    module.sign("pericard/gap", routing, new Uint8Array(4)),
    module.takeContact(),
    module.answerChallenge(systemRandom(32)),
  ];
}

describe("a module", () => {
  test("has these properties and no others", () => {
    expect(Reflect.ownKeys(loadModule().open()).toSorted()).toEqual([
      "agreePublicKey",
      "answerChallenge",
      "answerKeyOffer",
      "keyUse",
      "openNote",
      "openReturned",
      "openSegment",
      "refuseKeyChange",
      "rootPin",
      "sealEnvelope",
      "sealNote",
      "sealSegment",
      "sign",
      "signPublicKey",
      "suite",
      "takeContact",
      "takeKeyOrder",
      "terminal",
    ]);
  });

  test("gives no secret through a property, a result or a print-out", () => {
    const loaded = loadModule();
    const module = loaded.open();
    const secrets = secretsOf(loaded);
    expect(secrets).toHaveLength(128);
    expectNoSecret(bytesReachable(module), secrets);
    expectNoSecret(
      callEverything(loaded, module).flatMap((result) => bytesReachable(result)),
      secrets,
    );
    const printed = inspect(module, { depth: 20, showHidden: true, getters: true }) + JSON.stringify(module);
    for (const secret of secrets) expect(printed).not.toContain(Buffer.from(secret).toString("hex"));
  });

  test("gives no secret in an error", () => {
    const loaded = loadModule();
    const module = loaded.open();
    const secrets = secretsOf(loaded);
    for (const act of [
      () => module.openSegment(new Uint8Array(3)),
      () => module.openSegment(loadModule().open().answerChallenge(systemRandom(32))),
    ]) {
      try {
        act();
        expect.unreachable();
      } catch (error) {
        expectNoSecret(bytesReachable(error), secrets);
        for (const secret of secrets) expect(inspect(error)).not.toContain(Buffer.from(secret).toString("hex"));
      }
    }
  });
});
