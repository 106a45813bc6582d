/** The terminal's side of the key change: each step once, durable before its answer, and the same bytes when repeated. */
import {
  BLOB_OVERHEAD_BYTES,
  deriveGroupKey,
  ed25519Private,
  ed25519Public,
  keyChangeTranscript,
  keyIdOf,
  rawPublicKey,
  sealKeyOrder,
  sha256,
  signMessage,
  systemRandom,
  verifyMessage,
  x25519Agreement,
} from "@pericard/crypto";
import {
  CHANGES_PER_KEY_MAX,
  KeyAnswer,
  KeyId,
  KeyOffer,
  KeyRefused,
  KeyTaken,
  parseSegment,
  parseSigned,
  RecordingId,
  RoutingId,
  SUITE,
  toHex,
  USE_COUNT_MAX,
  type KeyOrder,
  type SignedType,
} from "@pericard/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { decodeState } from "../src/counter-state.ts";
import type { SecureModule } from "../src/index.ts";
import { loadModule, SERIAL, TENANT, type LoadedModule } from "./support/modules.ts";

const routing = RoutingId.parse("06".repeat(8));
const serverKey = ed25519Private(systemRandom(32));
const serverKeyId = KeyId.toBytes(keyIdOf(rawPublicKey(serverKey)));
const FIRST = { cycle: 0, index: 0, use: 0 };

const sign = (type: SignedType, payload: Uint8Array): Uint8Array => signMessage(serverKey, type, serverKeyId, payload);

/** A server's half of one exchange. */
class Exchange {
  readonly version: number;
  readonly offer: Uint8Array;
  readonly #secret: Uint8Array;

  constructor(version: number, publicKey?: Uint8Array) {
    const pair = x25519Agreement.draw(systemRandom);
    this.version = version;
    this.#secret = pair.secret;
    const nonce = systemRandom(32);
    this.offer = sign(
      "pericard/key-offer",
      KeyOffer.encode({ routing, version, publicKey: publicKey ?? pair.publicKey, nonce }),
    );
  }

  /** What both sides agree on. */
  shared(answer: Uint8Array): Uint8Array {
    return x25519Agreement.agree(this.#secret, KeyAnswer.decode(parseSigned(answer).payload).publicKey);
  }

  /** M3 to an M2; everything may be another than it should. */
  order(answer: Uint8Array, wish: Partial<KeyOrder> & { readonly block?: Uint8Array; readonly cycle?: number } = {}) {
    const { block = loaded.block, cycle = 0, ...order } = wish;
    const binding = { suite: SUITE.pericard1, tenant: TENANT, terminal: SERIAL };
    const payload = sealKeyOrder(
      {
        sharedSecret: this.shared(answer),
        commandKey: deriveGroupKey(block, binding, "command", cycle, 3),
        transcript: keyChangeTranscript(this.offer, answer),
      },
      { suite: SUITE.pericard1, routing, cycle, index: 3 },
      { version: this.version, maximum: 400, effectiveFrom: FIRST, ...order },
      systemRandom,
    );
    return sign("pericard/key-order", payload);
  }
}

let loaded: LoadedModule;
let module: SecureModule;
beforeEach(() => {
  loaded = loadModule();
  module = loaded.open();
});

/** Goes through a whole exchange. */
function change(version: number, order: Partial<KeyOrder> = {}): Uint8Array {
  const exchange = new Exchange(version);
  return module.takeKeyOrder(routing, exchange.order(module.answerKeyOffer(routing, exchange.offer), order));
}

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
const descriptor = {
  kind: 1,
  boot: null,
  claimed: null,
  predecessor: null,
  firstFrame: 0,
  frameCount: 0,
  shape,
} as const;
const recording = RecordingId.parse("05".repeat(16));

/** Seals one segment and gives what its header says of the keys. */
function seal() {
  const sealed = module.sealSegment(
    { recording, stream: 0, sequence: 0, prev: null, final: false },
    { descriptor, codec: "lead-residual", encoded: new Uint8Array(0) },
  );
  const { cycle, index, use, policyVersion } = parseSegment(sealed).header;
  return { cycle, index, use, policyVersion };
}

/** The counters' file as it lies in the folder. */
const file = (): Buffer => Buffer.from(loaded.folder.bytesOf("trsm.counters"));

const sealUntil = (use: number): void => {
  while (module.keyUse.use < use) seal();
};

const expectCode = (work: () => unknown, code: string): void => expect(work).toThrow(expect.objectContaining({ code }));

describe("a key change", () => {
  test("gives the terminal another maximum, and every segment its version", () => {
    expect(module.keyUse).toMatchObject({ maximum: USE_COUNT_MAX.standard, policyVersion: 0 });
    expect(seal().policyVersion).toBe(0);
    const taken = KeyTaken.decode(parseSigned(change(1)).payload);
    expect(taken).toMatchObject({ routing, version: 1, cycle: 0, index: 0, use: 1 });
    expect(module.keyUse).toMatchObject({ maximum: 400, policyVersion: 1, index: 0, use: 1 });
    expect(seal()).toMatchObject({ policyVersion: 1, use: 1 });
    sealUntil(399);
    expect([seal(), seal()]).toMatchObject([
      { index: 0, use: 399 },
      { index: 1, use: 0 },
    ]);
  });

  test("signs both answers as the terminal", () => {
    const exchange = new Exchange(1);
    const answer = module.answerKeyOffer(routing, exchange.offer);
    const order = exchange.order(answer);
    for (const message of [answer, module.takeKeyOrder(routing, order)].map(parseSigned)) {
      verifyMessage(ed25519Public(module.signPublicKey), message);
      expect(toHex(message.keyIdBytes)).toBe(routing);
    }
    expect(KeyAnswer.decode(parseSigned(answer).payload).offerHash).toEqual(sha256(exchange.offer));
  });

  test("gives the same bytes for the same step, also after a restart", () => {
    const exchange = new Exchange(1);
    const answer = module.answerKeyOffer(routing, exchange.offer);
    module = loaded.open();
    expect(module.answerKeyOffer(routing, exchange.offer)).toEqual(answer);
    const order = exchange.order(answer);
    const taken = module.takeKeyOrder(routing, order);
    seal();
    module = loaded.open();
    expect(module.takeKeyOrder(routing, order)).toEqual(taken);
    expect(module.answerKeyOffer(routing, exchange.offer)).toEqual(answer);
    expect(module.keyUse).toMatchObject({ maximum: 400, policyVersion: 1 });
  });

  test("keeps its secret sealed, and none at all when it is done", () => {
    const exchange = new Exchange(1);
    const answer = module.answerKeyOffer(routing, exchange.offer);
    expect(file().includes(exchange.shared(answer))).toBe(false);
    const sealed = decodeState(file()).exchange?.sealedSecret ?? new Uint8Array(0);
    expect(sealed.length).toBe(32 + BLOB_OVERHEAD_BYTES);
    expect(file().includes(sealed)).toBe(true);
    module.takeKeyOrder(routing, exchange.order(answer));
    expect(file().includes(sealed)).toBe(false);
    const second = exchange.order(answer);
    expectCode(() => module.takeKeyOrder(routing, second), "ERR_KEY_CHANGE_UNKNOWN");
  });

  test("whose save fails changes nothing and can be done again", () => {
    const exchange = new Exchange(1);
    let failing = true;
    const folder = {
      ...loaded.folder,
      replace: (name: string, contents: Uint8Array) => {
        if (failing) throw Object.assign(new Error("disk is full"), { code: "ENOSPC" });
        loaded.folder.replace(name, contents);
      },
    };
    const broken = loaded.trsm({ folder }).open(loaded.authorisation, TENANT);
    expect(() => broken.answerKeyOffer(routing, exchange.offer)).toThrow();
    failing = false;
    const answer = broken.answerKeyOffer(routing, exchange.offer);
    failing = true;
    const order = exchange.order(answer);
    expect(() => broken.takeKeyOrder(routing, order)).toThrow();
    expect(broken.keyUse).toMatchObject({ maximum: USE_COUNT_MAX.standard, policyVersion: 0 });
    expect(loaded.open().keyUse).toMatchObject({ policyVersion: 0 });
    failing = false;
    broken.takeKeyOrder(routing, order);
    expect(loaded.open().keyUse).toMatchObject({ maximum: 400, policyVersion: 1 });
  });
});

describe("it holds from", () => {
  test("exactly the use that the order names", () => {
    change(1, { maximum: 5000, effectiveFrom: { ...FIRST, use: 3 } });
    expect(module.keyUse).toMatchObject({ maximum: USE_COUNT_MAX.standard, policyVersion: 0 });
    expect([0, 1, 2, 3, 4].map(() => seal().policyVersion)).toEqual([0, 0, 0, 1, 1]);
    expect(module.keyUse.maximum).toBe(5000);
  });

  test("the named key on, also when power goes before", () => {
    change(1);
    change(2, { maximum: 1000, effectiveFrom: { cycle: 0, index: 1, use: 0 } });
    sealUntil(390);
    module = loaded.open();
    for (let i = 0; i < 400 && module.keyUse.index === 0; i += 1) expect(seal().policyVersion).toBe(1);
    expect(module.keyUse).toMatchObject({ index: 1, use: 0, maximum: 1000, policyVersion: 2 });
  });

  test("the next key when this one was used more than the new maximum", () => {
    sealUntil(500);
    change(1);
    expect(seal()).toMatchObject({ index: 1, use: 0, policyVersion: 1 });
  });
});

describe("it is refused", () => {
  test("with a version that is not higher", () => {
    change(5);
    for (const version of [5, 4, 1]) {
      const { offer } = new Exchange(version);
      expectCode(() => module.answerKeyOffer(routing, offer), "ERR_KEY_CHANGE_OLD");
    }
    change(6);
    expect(module.keyUse.policyVersion).toBe(6);
  });

  test("when a higher version came between offer and order", () => {
    const exchange = new Exchange(1);
    const order = exchange.order(module.answerKeyOffer(routing, exchange.offer));
    const higher = new Exchange(2);
    const answer = module.answerKeyOffer(routing, higher.offer);
    expectCode(() => module.takeKeyOrder(routing, order), "ERR_KEY_CHANGE_OLD");
    module.takeKeyOrder(routing, higher.order(answer));
    expect(module.keyUse.policyVersion).toBe(2);
  });

  test("without an offer that was answered", () => {
    const [one, two] = [new Exchange(1), new Exchange(2)];
    const answer = module.answerKeyOffer(routing, one.offer);
    const foreign = two.order(loadModule().open().answerKeyOffer(routing, two.offer));
    expectCode(() => module.takeKeyOrder(routing, foreign), "ERR_KEY_CHANGE_UNKNOWN");
    expectCode(() => loadModule().open().takeKeyOrder(routing, one.order(answer)), "ERR_KEY_CHANGE_UNKNOWN");
  });

  test("from a man in the middle, who knows no key block, and by one who changes a value", () => {
    const exchange = new Exchange(1);
    const answer = module.answerKeyOffer(routing, exchange.offer);
    const stranger = exchange.order(answer, { block: systemRandom(960) });
    expectCode(() => module.takeKeyOrder(routing, stranger), "ERR_KEY_COMMITMENT");
    const other = new Exchange(1);
    const swapped = other.order(answer);
    expectCode(() => module.takeKeyOrder(routing, swapped), "ERR_KEY_COMMITMENT");
    const good = exchange.order(answer);
    const payload = parseSigned(good).payload.slice();
    payload[payload.length - 20] = (payload[payload.length - 20] ?? 0) ^ 1;
    expectCode(() => module.takeKeyOrder(routing, sign("pericard/key-order", payload)), "ERR_SEAL_BROKEN");
    module.takeKeyOrder(routing, good);
  });

  test("with a maximum out of bounds: the sender cannot even seal it", () => {
    const exchange = new Exchange(1);
    const answer = module.answerKeyOffer(routing, exchange.offer);
    for (const maximum of [0, 1, 359, 2 ** 24 + 1]) {
      expectCode(() => exchange.order(answer, { maximum }), "ERR_FIELD_RANGE");
    }
    for (const maximum of [360, 2 ** 24]) {
      loaded = loadModule();
      module = loaded.open();
      change(1, { maximum });
      expect(module.keyUse.maximum).toBe(maximum);
    }
  });

  test("with a public key that gives a secret of zero", () => {
    const { offer } = new Exchange(1, new Uint8Array(32));
    expectCode(() => module.answerKeyOffer(routing, offer), "ERR_SHARED_SECRET");
    change(1);
  });

  test("for another terminal", () => {
    const other = RoutingId.parse("07".repeat(8));
    const exchange = new Exchange(1);
    expectCode(() => module.answerKeyOffer(other, exchange.offer), "ERR_FIELD_RANGE");
    const answer = module.answerKeyOffer(routing, exchange.offer);
    expectCode(() => module.takeKeyOrder(other, exchange.order(answer)), "ERR_FIELD_RANGE");
  });

  test("after three of one key, and taken again with the next key", () => {
    for (let version = 1; version <= CHANGES_PER_KEY_MAX; version += 1) change(version, { maximum: 360 + version });
    expectCode(() => change(4), "ERR_KEY_CHANGE_LIMIT");
    module = loaded.open();
    expectCode(() => change(5), "ERR_KEY_CHANGE_LIMIT");
    while (module.keyUse.index === 0) seal();
    change(6, { maximum: 777 });
    expect(module.keyUse).toMatchObject({ maximum: 777, policyVersion: 6 });
  });

  test("after three also when the count lies on the border of two keys and power goes", () => {
    change(1);
    while (module.keyUse.index === 0) seal();
    for (const version of [2, 3, 4]) {
      change(version);
      module = loaded.open();
    }
    expectCode(() => change(5), "ERR_KEY_CHANGE_LIMIT");
  });
});

test("a refusal names the message, the highest version and why", () => {
  change(3);
  const { offer } = new Exchange(2);
  const refusal = parseSigned(module.refuseKeyChange(routing, offer, "ERR_KEY_CHANGE_OLD"));
  verifyMessage(ed25519Public(module.signPublicKey), refusal);
  const wanted = { routing, messageHash: sha256(offer), version: 3, code: "ERR_KEY_CHANGE_OLD" };
  expect(KeyRefused.decode(refusal.payload)).toEqual(wanted);
});
