/** What a module of suite paper-2018 keeps and refuses in a key change. The steps are those of key-exchange.test.ts. */
import {
  BLOB_OVERHEAD_BYTES,
  ed25519Public,
  PAPER_GROUP,
  paperAgreement,
  sealPaperKeyOrder,
  sha256,
  SyntheticTenant,
  systemRandom,
  verifyMessage,
} from "@pericard/crypto";
import { createMemoryFolder, type MemoryFolder } from "@pericard/framelog";
import {
  KeyTaken,
  PaperKeyAnswer,
  PaperKeyOffer,
  parseSigned,
  RoutingId,
  USE_COUNT_MAX,
  type KeyOrder,
} from "@pericard/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { SERVER_RSA } from "../../../vectors/cases/paper-fixtures.ts";
import { decodeState } from "../src/counter-state.ts";
import { loadPaperTrsm, type PaperModule } from "../src/index.ts";
import { openPaperTrsm } from "../src/paper-trsm.ts";
import { drawLoad, NOW_UNIX_MS, TENANT } from "./support/modules.ts";

const LEAVE = SyntheticTenant.admit({ id: TENANT, synthetic: true });
const AGREEMENT = paperAgreement(LEAVE, PAPER_GROUP);
const routing = RoutingId.parse("0b".repeat(8));
const authorisation = systemRandom(32);

let folder: MemoryFolder;
let module: PaperModule;
const portsOf = (on: MemoryFolder) => ({ folder: on, random: systemRandom, nowUnixMs: () => NOW_UNIX_MS });
const open = (): PaperModule => openPaperTrsm(portsOf(folder), authorisation, TENANT);
beforeEach(() => {
  folder = createMemoryFolder();
  loadPaperTrsm(portsOf(folder), LEAVE, authorisation, { ...drawLoad(), serverPublicDer: SERVER_RSA.publicDer });
  module = open();
});

/** A server's half of one exchange. */
class Exchange {
  readonly version: number;
  readonly offer: Uint8Array;
  readonly #secret: Uint8Array;

  constructor(version: number) {
    const { secret, publicKey } = AGREEMENT.draw(systemRandom);
    this.version = version;
    this.#secret = secret;
    this.offer = PaperKeyOffer.encode({ routing, version, publicKey });
  }

  shared(answer: Uint8Array): Uint8Array {
    return AGREEMENT.agree(this.#secret, PaperKeyAnswer.decode(answer).publicKey);
  }

  order(answer: Uint8Array, order: Partial<KeyOrder> = {}): Uint8Array {
    const first = { cycle: 0, index: 0, use: 0 };
    const full = { version: this.version, maximum: 400, effectiveFrom: first, ...order };
    return sealPaperKeyOrder(LEAVE, this.shared(answer), routing, full);
  }
}

const file = (): Buffer => Buffer.from(folder.bytesOf("trsm.counters"));
const expectCode = (work: () => unknown, code: string): void => expect(work).toThrow(expect.objectContaining({ code }));

describe("a key change of suite paper-2018", () => {
  test("gives the same bytes for the same step, also after a restart, and holds", () => {
    const exchange = new Exchange(1);
    const answer = module.answerKeyOffer(routing, exchange.offer);
    expect(PaperKeyAnswer.decode(answer)).toMatchObject({ routing, offerHash: sha256(exchange.offer) });
    module = open();
    expect(module.answerKeyOffer(routing, exchange.offer)).toEqual(answer);
    const order = exchange.order(answer);
    const taken = module.takeKeyOrder(routing, order);
    module = open();
    expect(module.takeKeyOrder(routing, order)).toEqual(taken);
    expect(module.keyUse).toMatchObject({ maximum: 400, policyVersion: 1 });
  });

  test("is answered in the end by a statement that the terminal signed", () => {
    const exchange = new Exchange(1);
    const order = exchange.order(module.answerKeyOffer(routing, exchange.offer));
    const message = parseSigned(module.takeKeyOrder(routing, order));
    verifyMessage(ed25519Public(module.signPublicKey), message);
    expect(KeyTaken.decode(message.payload)).toMatchObject({ routing, version: 1, orderHash: sha256(order) });
  });

  test("has K on the disk sealed, and none at all when it is done", () => {
    const exchange = new Exchange(1);
    const answer = module.answerKeyOffer(routing, exchange.offer);
    expect(file().includes(exchange.shared(answer))).toBe(false);
    const sealed = decodeState(file()).exchange?.sealedSecret ?? new Uint8Array(0);
    expect(sealed.length).toBe(48 + BLOB_OVERHEAD_BYTES);
    module.takeKeyOrder(routing, exchange.order(answer));
    expect(file().includes(sealed)).toBe(false);
    expectCode(() => module.takeKeyOrder(routing, exchange.order(answer, { maximum: 401 })), "ERR_KEY_CHANGE_UNKNOWN");
  });

  test("is refused when it is older, of no exchange, for another terminal or out of range, and changes nothing", () => {
    const exchange = new Exchange(5);
    const answer = module.answerKeyOffer(routing, exchange.offer);
    const other = RoutingId.parse("07".repeat(8));
    expectCode(() => module.answerKeyOffer(routing, new Exchange(5).offer), "ERR_KEY_CHANGE_OLD");
    expectCode(() => module.takeKeyOrder(routing, new Exchange(4).order(answer)), "ERR_KEY_CHANGE_OLD");
    expectCode(() => module.takeKeyOrder(routing, new Exchange(6).order(answer)), "ERR_KEY_CHANGE_UNKNOWN");
    expectCode(() => module.takeKeyOrder(other, exchange.order(answer)), "ERR_FIELD_RANGE");
    expectCode(() => module.answerKeyOffer(other, new Exchange(6).offer), "ERR_FIELD_RANGE");
    expectCode(() => exchange.order(answer, { maximum: USE_COUNT_MAX.min - 1 }), "ERR_FIELD_RANGE");
    expect(open().keyUse).toMatchObject({ maximum: USE_COUNT_MAX.standard, policyVersion: 0 });
    module.takeKeyOrder(routing, exchange.order(answer));
    expect(open().keyUse).toMatchObject({ maximum: 400, policyVersion: 5 });
  });
});
