/**
 * A man in the middle of pericard-1's key change: a real terminal, the real server, and a transport between them that puts
 * a forged message before every true one, in both directions.
 *
 * His maximum is the least that an order can carry; 1 is none. The exchange is let through after all, so that what is
 * refused is refused by a change that goes on.
 *
 * Source: docs/format.md §7.8; docs/keys.md.
 */
import {
  ed25519Private,
  keyChangeTranscript,
  sealKeyOrder,
  sha256,
  signMessage,
  systemRandom,
  x25519Agreement,
  type KeyObject,
} from "@pericard/crypto";
import { deployTerminal } from "@pericard/factory";
import { createMemoryFolder } from "@pericard/framelog";
import {
  decodeMail,
  encodeMail,
  KeyAnswer,
  KeyOffer,
  parseKeyOrder,
  parseSigned,
  USE_COUNT_MAX,
  type ParsedSigned,
  type TerminalId,
} from "@pericard/protocol";
import { createTransport, systemClock, Terminal, type PostOptions, type Transport } from "@pericard/terminal";
import { LabError } from "../errors.ts";
import type { Outcome } from "./attack.ts";
import type { AttackSite } from "./site.ts";

const DAY_MS = 24 * 3600 * 1000;
const ATTACKERS_MAXIMUM = USE_COUNT_MAX.min;
/** A pace that makes the server give a smaller maximum. */
const SLOW_USES_A_DAY = 3000;
const DAYS = 10;
const NEVER = new AbortController().signal;

/** Who stands between. He has no key of either side, and a pair of his own for each purpose. */
class Middle implements Transport {
  readonly #inner: Transport;
  readonly #signKey: KeyObject = ed25519Private(systemRandom(32));
  readonly #ephemeral = x25519Agreement.draw(systemRandom);
  readonly #refusals: string[] = [];
  #offer = new Uint8Array(0);
  #answer = new Uint8Array(0);
  #forgedCount = 0;
  #takenCount = 0;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  /** Messages that he made. */
  get forgedCount(): number {
    return this.#forgedCount;
  }

  /** Codes by which the server refused those that went to it, and how many it took. */
  get refusals(): readonly string[] {
    return this.#refusals;
  }

  get takenCount(): number {
    return this.#takenCount;
  }

  get sentBytes(): number {
    return this.#inner.sentBytes;
  }

  get target(): string | null {
    return this.#inner.target;
  }

  quietSinceMs(target: string): number {
    return this.#inner.quietSinceMs(target);
  }

  get preferred(): string | null {
    return this.#inner.preferred;
  }

  heard(target: string): void {
    this.#inner.heard(target);
  }

  doubt(target: string, takenAtMs: number): void {
    this.#inner.doubt(target, takenAtMs);
  }

  close(): void {
    this.#inner.close();
  }

  /** Never given up half-way: what the terminal does not want any more is carried to its end. */
  async post(body: Uint8Array, { waitSeconds }: PostOptions) {
    const options = waitSeconds === undefined ? { signal: NEVER } : { waitSeconds: 0, signal: NEVER };
    const message = parseSigned(body);
    if (message.type === "pericard/key-answer") await this.#sendForgedAnswer(body, message);
    const answer = await this.#inner.post(body, options);
    if (answer.mail === null) return answer;
    return { ...answer, mail: encodeMail(decodeMail(answer.mail).flatMap((one) => [...this.#forgeMail(one), one])) };
  }

  async #sendForgedAnswer(body: Uint8Array, { payload, keyIdBytes }: ParsedSigned): Promise<void> {
    this.#answer = body.slice();
    const { publicKey } = this.#ephemeral;
    const forged = KeyAnswer.encode({ ...KeyAnswer.decode(payload), offerHash: sha256(this.#offer), publicKey });
    const { status, problemCode } = await this.#inner.post(this.#sign("pericard/key-answer", keyIdBytes, forged), {
      signal: NEVER,
    });
    if (status < 300) this.#takenCount += 1;
    if (problemCode !== null) this.#refusals.push(problemCode);
  }

  /** What he puts before a message to the terminal. */
  #forgeMail(message: Uint8Array): readonly Uint8Array[] {
    const { type, payload, keyIdBytes } = parseSigned(message);
    if (type === "pericard/key-offer") {
      this.#offer = message.slice();
      const offer = KeyOffer.encode({ ...KeyOffer.decode(payload), publicKey: this.#ephemeral.publicKey });
      this.#forgedCount += 1;
      return [this.#sign(type, keyIdBytes, offer), withPayload(message, payload, offer)];
    }
    if (type === "pericard/key-order") return [this.#sign(type, keyIdBytes, this.#forgeOrder(payload))];
    return [];
  }

  /** An order under the secret that he shares with the terminal, if the terminal ever took his offer for the server's. */
  #forgeOrder(payload: Uint8Array): Uint8Array {
    const { suite, routing, cycle, index, version } = parseKeyOrder(payload).header;
    const { publicKey } = KeyAnswer.decode(parseSigned(this.#answer).payload);
    const sharedSecret = x25519Agreement.agree(this.#ephemeral.secret, publicKey);
    const transcript = keyChangeTranscript(this.#offer, this.#answer);
    const secrets = { sharedSecret, commandKey: systemRandom(32), transcript };
    const order = { version, maximum: ATTACKERS_MAXIMUM, effectiveFrom: { cycle: 0, index: 0, use: 0 } };
    return sealKeyOrder(secrets, { suite, routing, cycle, index }, order, systemRandom);
  }

  #sign(type: ParsedSigned["type"], keyIdBytes: Uint8Array, payload: Uint8Array): Uint8Array {
    this.#forgedCount += 1;
    return signMessage(this.#signKey, type, keyIdBytes, payload);
  }
}

/** The same message with another payload of the same length, its signature left as it was. */
function withPayload(message: Uint8Array, payload: Uint8Array, other: Uint8Array): Uint8Array {
  const changed = message.slice();
  changed.set(other, Buffer.from(message).indexOf(payload));
  return changed;
}

/** Lets a terminal and the server agree with him in between. It succeeds when his maximum is in force, or his answer taken. */
export async function standBetweenPericard(site: AttackSite): Promise<Outcome> {
  const folder = createMemoryFolder();
  const target = { url: site.url, token: site.token };
  const { serial } = deployTerminal(site.factory, site.tenant.id, folder, [target]);
  noteSlowUse(site, serial);
  let middle: Middle | undefined;
  const transport = (targets: Parameters<typeof createTransport>[0]): Transport => {
    middle = new Middle(createTransport(targets, systemClock));
    return middle;
  };
  const terminal = new Terminal({ folder, clock: systemClock, random: systemRandom, transport });
  try {
    await terminal.upload({ signal: AbortSignal.timeout(30_000) });
    const { keyUse, upload } = terminal.status();
    return judge(keyUse.maximum, upload.badMail, middle, site.store.keyLife(serial).changes.at(-1));
  } finally {
    terminal.close();
  }
}

/** Ten days as the server saw them, at a pace that asks for another maximum. */
function noteSlowUse({ store }: AttackSite, serial: TerminalId): void {
  const now = Date.now();
  for (let day = 0; day <= DAYS; day += 1) {
    const atUnixMs = now - (DAYS - day) * DAY_MS;
    store.markKeyUse(serial, { cycle: 0, index: 0, use: 0, usedCount: day * SLOW_USES_A_DAY, atUnixMs });
  }
}

function judge(
  maximum: number,
  ignored: number,
  middle: Middle | undefined,
  change: { readonly state: string; readonly maximum: number } | undefined,
): Outcome {
  if (!middle || middle.forgedCount === 0 || change?.state !== "done") {
    throw new LabError("ERR_ATTACK_UNDECIDED", "key change did not take place, so that nobody could stand between");
  }
  const refused = middle.refusals.length > 0 ? ` (${middle.refusals.join(", ")})` : "";
  return {
    succeeded: maximum !== change.maximum || middle.takenCount > 0,
    why: `${middle.forgedCount} forged messages: the terminal ignored ${ignored}, the server refused ${middle.refusals.length}${refused}; the server's maximum ${change.maximum} is in force`,
  };
}
