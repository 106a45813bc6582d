/**
 * The registered terminals with their keys, as ingest needs them. Tenant and suite come from here, never from a message.
 */
import { deriveGroupKey, ed25519Public, type GroupKeyLabel, type KeyObject } from "@pericard/crypto";
import { SUITE, type RoutingId, type Suite, type TenantId, type TerminalId } from "@pericard/protocol";
import type { Terminal } from "@pericard/custody";
import { ServerError } from "../errors.ts";
import type { KeyStorePort } from "./key-store.ts";
import { Lru } from "./lru.ts";
import { openPaperPeer, type PaperFacts, type PaperPeer } from "./paper-peer.ts";

/** A terminal that may upload. */
export interface RegisteredTerminal {
  readonly serial: TerminalId;
  readonly tenant: TenantId;
  readonly routing: RoutingId;
  readonly suite: Suite;
  /** Keys of suite paper-2018; null in pericard-1. */
  readonly paper: PaperPeer | null;
  /** Paper B's P_K-R; in suite paper-2018 the key of statuses and gaps alone. */
  readonly verifyKey: KeyObject;
  /** X25519, 32 bytes: what is returned to the terminal is sealed to it. null in suite paper-2018. */
  readonly agreePublicKey: Uint8Array | null;
  /** The terminal's key of one purpose, cycle and index, 32 bytes. @throws {ServerError} ERR_SUITE_REFUSED in paper-2018. */
  groupKey(label: GroupKeyLabel, cycle: number, index: number): Uint8Array;
}

const TERMINALS_MAX = 20_000;
const KEYS_PER_TERMINAL_MAX = 8;
/** How long a registration is believed before the key store is asked again, in milliseconds. */
const FRESH_MS = 1000;

function registered(terminal: Terminal, block: Uint8Array, facts: PaperFacts | null): RegisteredTerminal {
  const { serial, tenant, routing, suite, signPublicKey } = terminal;
  if (terminal.state !== "active" || !signPublicKey) {
    throw new ServerError("ERR_TERMINAL_QUARANTINED", `terminal ${serial} is ${terminal.state}`);
  }
  if (suite === SUITE.paper2018 && !facts) {
    throw new ServerError(
      "ERR_SUITE_REFUSED",
      `terminal ${serial} is of suite paper-2018, its tenant is not synthetic`,
    );
  }
  const keys = new Lru<string, Uint8Array>(KEYS_PER_TERMINAL_MAX);
  return {
    serial,
    tenant,
    routing,
    suite,
    paper: facts && openPaperPeer(facts, block),
    verifyKey: ed25519Public(signPublicKey),
    agreePublicKey: terminal.agreePublicKey,
    groupKey: (label, cycle, index) => {
      if (suite !== SUITE.pericard1) throw new ServerError("ERR_SUITE_REFUSED", "suite paper-2018 has no group keys");
      const name = `${label}/${cycle}/${index}`;
      const known = keys.get(name);
      if (known) return known;
      const key = deriveGroupKey(block, { suite, tenant, terminal: serial }, label, cycle, index);
      keys.set(name, key);
      return key;
    },
  };
}

/** Looks terminals up by routing id and remembers them until the key store changes. */
export class TerminalRegistry {
  readonly #keyStore: KeyStorePort;
  readonly #monotonicMs: () => number;
  readonly #terminals = new Lru<RoutingId, RegisteredTerminal>(TERMINALS_MAX);
  #version = -1;
  #checkedAtMs = Number.NEGATIVE_INFINITY;

  constructor(keyStore: KeyStorePort, monotonicMs: () => number) {
    this.#keyStore = keyStore;
    this.#monotonicMs = monotonicMs;
  }

  /** @throws {ServerError} ERR_TERMINAL_UNKNOWN, or ERR_TERMINAL_QUARANTINED when the terminal is not active. */
  async get(routing: RoutingId): Promise<RegisteredTerminal> {
    await this.#forgetWhenChanged();
    const known = this.#terminals.get(routing);
    if (known) return known;
    const found = await this.#keyStore.findTerminal(routing);
    if (!found) throw new ServerError("ERR_TERMINAL_UNKNOWN", "terminal is not registered");
    const terminal = registered(found.terminal, found.block, found.paper);
    this.#terminals.set(routing, terminal);
    return terminal;
  }

  /** Who signs under a routing id, whatever became of the terminal since. @throws {ServerError} ERR_TERMINAL_UNKNOWN. */
  async getSigner(routing: RoutingId): Promise<Pick<RegisteredTerminal, "serial" | "verifyKey">> {
    const found = await this.#keyStore.findTerminal(routing);
    if (!found?.terminal.signPublicKey) throw new ServerError("ERR_TERMINAL_UNKNOWN", "terminal is not registered");
    return { serial: found.terminal.serial, verifyKey: ed25519Public(found.terminal.signPublicKey) };
  }

  async #forgetWhenChanged(): Promise<void> {
    const now = this.#monotonicMs();
    if (now - this.#checkedAtMs < FRESH_MS) return;
    this.#checkedAtMs = now;
    const version = await this.#keyStore.dataVersion();
    if (version !== this.#version) this.#terminals.clear();
    this.#version = version;
  }
}
