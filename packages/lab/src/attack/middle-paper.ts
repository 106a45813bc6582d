/**
 * A man in the middle of the papers' key agreement, who sets the maximum use count to 1: 120 keys are then used up by 120
 * segments, and the first one comes again.
 *
 * The agreement is the suite's own. What carries the maximum under K neither paper says; here it is DES under the first 8
 * bytes of K, as everything else of the suite is. Paper B signs envelopes, not this.
 *
 * Source: paper A §II.H; docs/format-paper-2018.md §7.
 */
import {
  beginPaperExchange,
  desDecrypt,
  desEncrypt,
  finishPaperExchange,
  PAPER_GROUP,
  systemRandom,
  type SyntheticTenant,
} from "@pericard/crypto";
import { decodeCbor, DES_KEY_BYTES, encodeCbor, KEYS_PER_BLOCK, readUint32 } from "@pericard/protocol";
import { Counters } from "@pericard/trsm";
import type { Outcome } from "./attack.ts";

export const MIDDLE = "man in the middle of the key change";

const SERVERS_MAXIMUM = 100_000;
const ATTACKERS_MAXIMUM = 1;

/** What is sent over a path, and what comes out of it at the other end. */
type Path = (message: Uint8Array) => Uint8Array;

/** One side of the agreement. */
class Side {
  readonly #leave: SyntheticTenant;
  readonly #own: ReturnType<typeof beginPaperExchange>;
  #key: Uint8Array | undefined;

  constructor(leave: SyntheticTenant) {
    this.#leave = leave;
    this.#own = beginPaperExchange(leave, PAPER_GROUP, systemRandom);
  }

  /** A or B. */
  get sent(): Uint8Array {
    return this.#own.sent;
  }

  /** Takes the other side's number, whoever that is. */
  agree(received: Uint8Array): void {
    const shared = finishPaperExchange(this.#leave, PAPER_GROUP, this.#own.secret, received);
    this.#key = shared.slice(0, DES_KEY_BYTES);
  }

  seal(maximum: number): Uint8Array {
    return desEncrypt(this.#leave, this.#agreed, encodeCbor(maximum));
  }

  open(sealed: Uint8Array): number {
    return readUint32("maximum", decodeCbor(desDecrypt(this.#leave, this.#agreed, sealed)));
  }

  get #agreed(): Uint8Array {
    if (!this.#key) throw new TypeError("nothing was agreed on");
    return this.#key;
  }
}

/** The whole exchange over three messages. @returns the maximum that the terminal takes. */
function exchange(leave: SyntheticTenant, toTerminal: Path, toServer: Path, order: Path): number {
  const [server, terminal] = [new Side(leave), new Side(leave)];
  terminal.agree(toTerminal(server.sent));
  server.agree(toServer(terminal.sent));
  return terminal.open(order(server.seal(SERVERS_MAXIMUM)));
}

/** Runs the exchange with somebody in between. It succeeds when the terminal takes his maximum and its keys come again. */
export function standBetween(leave: SyntheticTenant): Outcome {
  const [towardsServer, towardsTerminal] = [new Side(leave), new Side(leave)];
  let read = 0;
  const maximum = exchange(
    leave,
    (a) => {
      towardsServer.agree(a);
      return towardsTerminal.sent;
    },
    (b) => {
      towardsTerminal.agree(b);
      return towardsServer.sent;
    },
    (order) => {
      read = towardsServer.open(order);
      return towardsTerminal.seal(ATTACKERS_MAXIMUM);
    },
  );
  const counters = Counters.create({ load: () => undefined, save: () => undefined }, maximum);
  for (let i = 0; i < KEYS_PER_BLOCK; i += 1) counters.takeUse();
  const { index, cycle } = counters.takeUse();
  return {
    succeeded: maximum === ATTACKERS_MAXIMUM && cycle > 0,
    why: `server ordered ${read}, terminal took ${maximum}; after ${KEYS_PER_BLOCK} segments it uses key ${index} of cycle ${cycle}`,
  };
}
