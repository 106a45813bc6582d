/** What a terminal does with the messages of a key change: answers in the same contact, or refuses and says so. */
import {
  deriveGroupKey,
  ed25519Private,
  keyChangeTranscript,
  sealKeyOrder,
  sha256,
  signMessage,
  systemRandom,
  x25519Agreement,
} from "@pericard/crypto";
import type { MemoryFolder } from "@pericard/framelog";
import {
  KeyAnswer,
  KeyId,
  KeyOffer,
  KeyRefused,
  KeyTaken,
  parseSigned,
  SUITE,
  type RoutingId,
} from "@pericard/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { Answers } from "../src/upload/answers.ts";
import { NEVER, openBench } from "./support/bench.ts";
import { Installation } from "./support/deployed.ts";
import { TestServer } from "./support/test-server.ts";

const FIRST = { cycle: 0, index: 0, use: 0 };

let folder: MemoryFolder;
let server: TestServer;
let routing: RoutingId;
beforeEach(() => {
  const installation = new Installation();
  folder = installation.deployInMemory();
  server = new TestServer(installation);
  ({ routing } = installation.terminalOf(folder));
});

/** An offer and what answers to its answer. */
function makeExchange(version: number, maximum: number) {
  const { secret, publicKey } = x25519Agreement.draw(systemRandom);
  const payload = KeyOffer.encode({ routing, version, publicKey, nonce: systemRandom(32) });
  const offer = server.sign("pericard/key-offer", payload);
  const order = (answer: Uint8Array): Uint8Array => {
    const { serial, tenant } = server.installation.terminalOf(folder);
    const binding = { suite: SUITE.pericard1, tenant, terminal: serial };
    const commandKey = deriveGroupKey(server.installation.store.openBlock(serial), binding, "command", 0, 0);
    const sharedSecret = x25519Agreement.agree(secret, KeyAnswer.decode(parseSigned(answer).payload).publicKey);
    const secrets = { sharedSecret, commandKey, transcript: keyChangeTranscript(offer, answer) };
    const draft = { suite: SUITE.pericard1, routing, cycle: 0, index: 0 };
    const sealed = sealKeyOrder(secrets, draft, { version, maximum, effectiveFrom: FIRST }, systemRandom);
    return server.sign("pericard/key-order", sealed);
  };
  return { offer, order };
}

const messagesOf = (type: string) =>
  server.bodies.map((bytes) => parseSigned(bytes)).filter((one) => one.type === type);

describe("a contact", () => {
  test("carries a whole key change, and tells of it", async () => {
    const { offer, order } = makeExchange(1, 5000);
    let given: Uint8Array | undefined;
    server.mail = [offer];
    server.answerKeyChange = (bytes) => {
      if (parseSigned(bytes).type !== "pericard/key-answer") return [];
      given = order(bytes);
      return [given];
    };
    const { terminal, events } = openBench(folder, server);
    await terminal.upload({ signal: NEVER });
    const [taken] = messagesOf("pericard/key-taken");
    expect(KeyTaken.decode(taken?.payload ?? new Uint8Array(0))).toEqual({
      ...FIRST,
      routing,
      version: 1,
      orderHash: sha256(given ?? new Uint8Array(0)),
    });
    expect(events).toContainEqual({ type: "key-change", version: 1, maximum: 5000 });
    expect(terminal.status().keyUse).toMatchObject({ maximum: 5000, policyVersion: 1 });
    terminal.close();
  });

  test("carries the signed refusal of an order that belongs to nothing", async () => {
    server.mail = [makeExchange(1, 5000).offer];
    const other = makeExchange(2, 5000);
    server.answerKeyChange = (bytes) => (parseSigned(bytes).type === "pericard/key-answer" ? [other.order(bytes)] : []);
    const { terminal, events } = openBench(folder, server);
    await terminal.upload({ signal: NEVER });
    const [refused] = messagesOf("pericard/key-refused");
    expect(KeyRefused.decode(refused?.payload ?? new Uint8Array(0))).toMatchObject({
      version: 1,
      code: "ERR_KEY_CHANGE_UNKNOWN",
    });
    expect(events).toContainEqual({ type: "key-change-refused", code: "ERR_KEY_CHANGE_UNKNOWN" });
    expect(terminal.status().keyUse.policyVersion).toBe(0);
    terminal.close();
  });

  test("says nothing to an offer that is not the server's, and counts it", async () => {
    const { offer } = makeExchange(1, 5000);
    const { payload } = parseSigned(offer);
    const stranger = ed25519Private(systemRandom(32));
    const keyId = KeyId.toBytes(server.receiptKey.keyId);
    server.mail = [signMessage(stranger, "pericard/key-offer", keyId, payload)];
    const { terminal } = openBench(folder, server);
    await terminal.upload({ signal: NEVER });
    expect(terminal.status().upload.badMail).toBe(1);
    expect([messagesOf("pericard/key-answer"), messagesOf("pericard/key-refused")]).toEqual([[], []]);
    terminal.close();
  });
});

test("answers wait in order, the same one once, and the oldest goes when there are too many", () => {
  const answers = new Answers();
  for (let i = 0; i < 10; i += 1) answers.put(Uint8Array.of(i));
  answers.put(Uint8Array.of(3));
  const taken = Array.from({ length: 9 }, () => answers.take()?.[0]);
  expect(taken).toEqual([2, 4, 5, 6, 7, 8, 9, 3, undefined]);
});
