/**
 * A terminal's side of the key change: which messages are taken in which state, and what is durable before an answer.
 *
 * The steps know a suite's agreement and messages, and the module's other powers, by {@link ExchangePowers} alone. The
 * caller has verified that the messages are the server's, where the suite signs them.
 *
 * Source: docs/format.md §7.8, §11.2; docs/format-paper-2018.md §7; paper A §II.H.
 */
import { keyChangeTranscript, sha256, type KeyAgreement, type RandomSource } from "@pericard/crypto";
import { equalBytes, KeyRefused, KeyTaken, ProtocolError, type KeyOrder, type RoutingId } from "@pericard/protocol";
import type { Counters } from "./counters.ts";
import { TrsmError } from "./errors.ts";
import type { ClosedOrder, ExchangeMessages } from "./exchange-messages.ts";
import type { KeyExchange } from "./exchange-state.ts";
import type { KeyChangeSteps, SignStatement } from "./secure-module.ts";

/** What the exchange needs of its module. */
export interface ExchangePowers {
  readonly counters: Pick<Counters, "current" | "exchange" | "keepExchange" | "takeOrder">;
  readonly agreement: KeyAgreement;
  readonly messages: ExchangeMessages;
  readonly random: RandomSource;
  readonly sign: SignStatement;
  /** Seals a shared secret for the module alone. */
  sealSecret(version: number, secret: Uint8Array): Uint8Array;
  openSecret(version: number, sealed: Uint8Array): Uint8Array;
}

/** The steps of one module. */
export function createKeyChangeSteps(powers: ExchangePowers): KeyChangeSteps {
  const { counters } = powers;
  return {
    answerKeyOffer: (routing, offer) => {
      const { exchange } = counters;
      if (exchange && equalBytes(exchange.offerHash, sha256(offer))) return exchange.answer;
      return beginExchange(powers, routing, offer);
    },
    takeKeyOrder: (routing, order) => {
      const end = counters.exchange?.end;
      if (end && equalBytes(end.orderHash, sha256(order))) return end.taken;
      return endExchange(powers, routing, order);
    },
    refuseKeyChange: (routing, message, code) => {
      const version = counters.exchange?.version ?? 0;
      const payload = KeyRefused.encode({ routing, messageHash: sha256(message), version, code });
      return powers.sign("pericard/key-refused", routing, payload);
    },
  };
}

function beginExchange(powers: ExchangePowers, routing: RoutingId, offer: Uint8Array): Uint8Array {
  const { counters, agreement, messages, random } = powers;
  const { version, ...offered } = messages.readOffer(offer);
  requireMine(routing, offered.routing);
  requireNewer(version, (counters.exchange?.version ?? 0) + 1);
  const { secret, publicKey } = agreement.draw(random);
  const shared = agreement.agree(secret, offered.publicKey);
  const offerHash = sha256(offer);
  const answer = messages.writeAnswer({ routing, offerHash, publicKey });
  const transcript = keyChangeTranscript(offer, answer);
  const sealedSecret = powers.sealSecret(version, shared);
  counters.keepExchange({ version, offerHash, answer, transcript, sealedSecret, end: null });
  return answer;
}

function endExchange(powers: ExchangePowers, routing: RoutingId, message: Uint8Array): Uint8Array {
  const { counters, messages } = powers;
  const closed = messages.readOrder(message);
  const { version } = closed;
  requireMine(routing, closed.routing);
  requireNewer(version, counters.exchange?.version ?? 0);
  const { exchange } = counters;
  if (!exchange?.sealedSecret || exchange.version !== version) {
    throw new TrsmError("ERR_KEY_CHANGE_UNKNOWN", "key order belongs to no exchange that waits for one");
  }
  const order = openOrder(powers, exchange, exchange.sealedSecret, closed);
  const orderHash = sha256(message);
  const { cycle, index, use } = counters.current;
  const payload = KeyTaken.encode({ routing, orderHash, version, cycle, index, use });
  const taken = powers.sign("pericard/key-taken", routing, payload);
  counters.takeOrder({ ...exchange, sealedSecret: null, end: { orderHash, taken } }, order);
  return taken;
}

function openOrder(
  powers: ExchangePowers,
  { version, transcript }: KeyExchange,
  sealedSecret: Uint8Array,
  closed: ClosedOrder,
): KeyOrder {
  return closed.open({ sharedSecret: powers.openSecret(version, sealedSecret), transcript });
}

function requireMine(routing: RoutingId, named: RoutingId): void {
  if (named !== routing) throw new ProtocolError("ERR_FIELD_RANGE", "message is for another terminal");
}

function requireNewer(version: number, least: number): void {
  if (version >= least) return;
  throw new TrsmError("ERR_KEY_CHANGE_OLD", `version ${version} is older than ${least}`);
}
