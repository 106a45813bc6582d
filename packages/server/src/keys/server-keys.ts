/**
 * The server's own keys, as they are now: what signs for terminals, and what opens envelopes.
 *
 * Keys are changed by other processes (`pericard keys rotate`). They are taken up with the first message after the change,
 * at most a second later: no server is started anew for it. The highest version in the key store is the one in force, and
 * times do not count: no clock can keep a new key out or an old one in.
 *
 * Source: docs/keys.md, "The server's keys"; docs/format.md §7.6, §7.12.
 */
import { ed25519Private, x25519Private, type HpkeKeyPair, type KeyObject } from "@pericard/crypto";
import type { ServerKey, ServerKeyRecord } from "@pericard/custody";
import type { KeyId } from "@pericard/protocol";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "./key-store.ts";
import { passUnavailable } from "./key-watch.ts";

/** The server's key for statements to terminals. */
export interface StatementKey {
  readonly keyId: KeyId;
  readonly privateKey: KeyObject;
}

/** Who has the key that signs for terminals at this moment. */
export interface StatementSigner {
  readonly statementKey: StatementKey;
}

/** How long the keys are believed before the key store is asked again, in milliseconds. */
const FRESH_MS = 1000;

/** One state of the keys. */
interface Keys {
  readonly dataVersion: number;
  readonly receipt: ServerKey;
  readonly statementKey: StatementKey;
  readonly hpke: ServerKey;
  readonly hpkePairs: ReadonlyMap<KeyId, HpkeKeyPair>;
}

/** The keys of a running server. They are known from the first {@link ServerKeys.refresh} on. */
export class ServerKeys implements StatementSigner {
  readonly #keyStore: KeyStorePort;
  readonly #monotonicMs: () => number;
  #keys: Keys | undefined;
  #checkedAtMs = Number.NEGATIVE_INFINITY;

  constructor(keyStore: KeyStorePort, monotonicMs: () => number) {
    this.#keyStore = keyStore;
    this.#monotonicMs = monotonicMs;
  }

  /** What signs for terminals now. */
  get statementKey(): StatementKey {
    return this.#known.statementKey;
  }

  /** What opens envelopes that are sealed to a key; undefined for one that was destroyed, or was never this server's. */
  findHpkePair(keyId: KeyId): HpkeKeyPair | undefined {
    return this.#known.hpkePairs.get(keyId);
  }

  /**
   * Takes up what another process changed. A key store that does not answer now is asked at the next message.
   *
   * @throws {ServerError} ERR_SERVER_CONFIG when the key store has no key of a purpose; at the first call its own codes too.
   */
  async refresh(): Promise<void> {
    const now = this.#monotonicMs();
    if (now - this.#checkedAtMs < FRESH_MS) return;
    if (!this.#keys) await this.#refresh();
    else {
      this.#checkedAtMs = now;
      await this.#refresh().catch(passUnavailable);
    }
    this.#checkedAtMs = now;
  }

  /** Destroys the retired hpke keys whose time is over, here too. @returns which. */
  async destroyRetired(nowUnixMs: number): Promise<readonly ServerKeyRecord[]> {
    const destroyed = await this.#keyStore.destroyRetiredKeys(nowUnixMs);
    // A process's own commits do not change the number that tells it of others'.
    if (destroyed.length > 0) this.#keys = await readKeys(this.#keyStore, await this.#keyStore.dataVersion());
    return destroyed;
  }

  async #refresh(): Promise<void> {
    const dataVersion = await this.#keyStore.dataVersion();
    if (dataVersion !== this.#keys?.dataVersion) this.#keys = await readKeys(this.#keyStore, dataVersion);
  }

  get #known(): Keys {
    if (this.#keys) return this.#keys;
    throw new ServerError("ERR_SERVER_CONFIG", "server's keys are used before they were read");
  }

  /**
   * What a terminal has to hear before any answer: the statement of the receipt key, unless it is the first, which every
   * terminal was deployed with. Who has heard it already is not known: answers pass through gateways, and may be lost.
   */
  receiptStatements(): readonly Uint8Array[] {
    const { version, statement } = this.#known.receipt;
    return version > 1 ? [statement] : [];
  }

  /** What a terminal has to hear that sealed to a key: the statement of the newest one, when it sealed to another. */
  hpkeStatements(sealedTo: KeyId): readonly Uint8Array[] {
    const { keyId, statement } = this.#known.hpke;
    return sealedTo === keyId ? [] : [statement];
  }
}

async function readKeys(keyStore: KeyStorePort, dataVersion: number): Promise<Keys> {
  const [receipts, hpkes] = [await keyStore.serverKeys("receipt"), await keyStore.serverKeys("hpke")];
  const [[receipt], [hpke]] = [receipts, hpkes];
  if (!receipt || !hpke) throw new ServerError("ERR_SERVER_CONFIG", "key store has no receipt key or no hpke key");
  return {
    dataVersion,
    receipt,
    statementKey: { keyId: receipt.keyId, privateKey: ed25519Private(receipt.privateBytes) },
    hpke,
    hpkePairs: new Map(hpkes.map((key) => [key.keyId, pairOf(key)])),
  };
}

function pairOf({ privateBytes, publicBytes }: ServerKey): HpkeKeyPair {
  return { privateKey: x25519Private(privateBytes), publicBytes };
}
