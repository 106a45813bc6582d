/** A server's key changes and a terminal's module with everything between them, on a clock and disks that a test commands. */
import { ed25519Private, sha256, systemRandom, verifyMessage, x25519Agreement } from "@pericard/crypto";
import { KeyStore, type KeyChange, type Terminal } from "@pericard/custody";
import { createMemoryFolder, type Folder, type MemoryFolder } from "@pericard/framelog";
import {
  BootId,
  isPaperKeyMessage,
  parseSigned,
  readPaperKeyMessage,
  SUITE,
  toHex,
  type Suite,
} from "@pericard/protocol";
import type { TerminalModule } from "@pericard/trsm";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Audit } from "../../../server/src/access/audit.ts";
import type { AuditEntry, Catalog } from "../../../server/src/catalog/catalog.ts";
import { openSqliteCatalog } from "../../../server/src/catalog/sqlite/sqlite-catalog.ts";
import { codeOf } from "../../../server/src/errors.ts";
import { StatusKeeper } from "../../../server/src/ingest/status-keeper.ts";
import { KeyChanges } from "../../../server/src/keys/key-changes.ts";
import { KeyExchange, type KeyChangeType as ToServer } from "../../../server/src/keys/key-exchange.ts";
import { DAY_MS } from "../../../server/src/keys/key-policy.ts";
import type { KeyStorePort } from "../../../server/src/keys/key-store.ts";
import { KeyWatch } from "../../../server/src/keys/key-watch.ts";
import { Mailbox } from "../../../server/src/keys/mailbox.ts";
import { TerminalRegistry, type RegisteredTerminal } from "../../../server/src/keys/terminals.ts";
import { Answers } from "../../../terminal/src/upload/answers.ts";
import { takeKeyChange, type KeyChangeType as ToTerminal } from "../../../terminal/src/upload/key-change-actions.ts";
import { deployPaper, deployPericard, openTerminal, paperFacts, sealOne } from "./key-terminal.ts";

/** Where power goes: before or after the write that is so many writes away. */
export interface Cut {
  readonly writes: number;
  readonly when: "before" | "after";
}

const POWER_IS_GONE = "power is gone";
const BEGIN_UNIX_MS = Date.UTC(2026, 0, 1);
const WRITES: ReadonlySet<string> = new Set([
  "markKeyUse",
  "beginKeyChange",
  "orderKeyChange",
  "endKeyChange",
  "addKeyAlarm",
]);

/** What a status says beside its numbers. */
const QUIET = {
  monotonicMs: 0,
  clockUnixMs: null,
  mailSeen: 0,
  journalItemCount: 0,
  journalBytes: 0,
  journalLimitBytes: 0,
  quarantineCount: 0,
  segmentLengthMs: 10_000,
  heads: [],
} as const;

/** Counts writes down to the one at which power goes. */
class Power {
  cut: Cut | undefined;

  write<T>(work: () => T): T {
    const { cut } = this;
    if (!cut) return work();
    if (cut.writes > 0) {
      this.cut = { ...cut, writes: cut.writes - 1 };
      return work();
    }
    this.cut = undefined;
    if (cut.when === "after") work();
    throw new Error(POWER_IS_GONE);
  }
}

/** Everything of one run. */
export class KeyWorld {
  readonly root = mkdtempSync(join(tmpdir(), "pericard-keys-"));
  readonly audit: AuditEntry[] = [];
  readonly toServer: Uint8Array[] = [];
  readonly toTerminal: Uint8Array[] = [];
  readonly serverPower = new Power();
  readonly terminalPower = new Power();
  readonly terminal: Terminal;
  folder: MemoryFolder = createMemoryFolder();
  nowUnixMs = BEGIN_UNIX_MS;
  readonly #kek = systemRandom(32);
  readonly #authorisation = systemRandom(32);
  readonly #paths = [join(this.root, "a"), join(this.root, "b")];
  readonly #catalog: ReturnType<typeof openSqliteCatalog>;
  /** Bytes that answered the same step, by the step. */
  readonly #said = new Map<string, string>();
  #store: KeyStore;
  #changes: KeyChanges;
  #registry: TerminalRegistry;
  #module: TerminalModule;
  #answers = new Answers();
  #bootId = BootId.fromBytes(systemRandom(8));
  #statusKeeper!: StatusKeeper;

  constructor(suite: Suite = SUITE.pericard1) {
    this.#store = KeyStore.create(this.#paths, this.#kek, BEGIN_UNIX_MS, systemRandom).store;
    const tenant = this.#store.addTenant("test", true, BEGIN_UNIX_MS);
    const deployment = {
      store: this.#store,
      tenant: tenant.id,
      ports: this.#ports(this.folder),
      authorisation: this.#authorisation,
    };
    this.terminal = suite === SUITE.pericard1 ? deployPericard(deployment) : deployPaper(deployment);
    this.#catalog = openSqliteCatalog(this.root);
    [this.#changes, this.#registry] = this.#openServer();
    this.#module = this.#openModule();
  }

  /** Ends everything. */
  remove(): void {
    this.#store.close();
    this.#catalog.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  get module(): TerminalModule {
    return this.#module;
  }

  get life() {
    return this.#store.keyLife(this.terminal.serial);
  }

  /** The change that the terminal took last, as the server knows. */
  get lastDone(): KeyChange | undefined {
    return this.life.changes.findLast(({ state }) => state === "done");
  }

  /** A week and more of that many uses a day, as the server saw them. */
  observe(days: number, usesPerDay: number): void {
    for (let day = 0; day <= days; day += 1) {
      const use = this.#module.keyUse.use + day * usesPerDay;
      const mark = { cycle: 0, index: 0, use: 0, usedCount: use, atUnixMs: this.nowUnixMs };
      this.#store.markKeyUse(this.terminal.serial, mark);
      if (day < days) this.nowUnixMs += DAY_MS;
    }
    this.restartServer();
  }

  /** The server is killed and started again. */
  restartServer(): void {
    this.#store.close();
    this.#store = KeyStore.open(this.#paths, this.#kek, systemRandom);
    [this.#changes, this.#registry] = this.#openServer();
  }

  /** A copy of the key store's folders. */
  copyKeys(): string {
    const copy = join(this.root, "copy");
    this.#store.close();
    for (const name of ["a", "b"]) cpSync(join(this.root, name), join(copy, name), { recursive: true });
    this.#store = KeyStore.open(this.#paths, this.#kek, systemRandom);
    this.restartServer();
    return copy;
  }

  /** Puts a copy of the key store back. */
  restoreKeys(copy: string): void {
    this.#store.close();
    for (const path of this.#paths) rmSync(path, { recursive: true });
    cpSync(copy, this.root, { recursive: true });
    this.#store = KeyStore.open(this.#paths, this.#kek, systemRandom);
    this.restartServer();
  }

  /** The terminal is killed and started again. */
  restartTerminal(): void {
    this.#answers = new Answers();
    this.#bootId = BootId.fromBytes(systemRandom(8));
    this.#module = this.#openModule();
  }

  /** Seals segments. */
  seal(count: number): void {
    for (let i = 0; i < count; i += 1) {
      try {
        sealOne(this.#module);
      } catch (error) {
        if (!isPowerCut(error)) throw error;
        this.restartTerminal();
      }
    }
  }

  /** A status reaches the server; what it answers is on its way. */
  async contact(): Promise<void> {
    const { cycle, index, use, policyVersion: version } = this.#module.keyUse;
    const contact = this.#takeContact();
    if (contact === undefined) return;
    await this.#onServer(async () => {
      const terminal = await this.#registry.get(this.terminal.routing);
      const status = { ...QUIET, routing: terminal.routing, bootId: this.#bootId, contact, cycle, index, use };
      await this.#statusKeeper.keep(terminal, { ...status, policyVersion: version });
      await this.#changes.contact(terminal, { from: "status", next: { cycle, index, use }, version });
      this.toTerminal.push(...this.#changes.letters(terminal.serial));
    });
  }

  /** One message reaches the server. */
  async receive(bytes: Uint8Array): Promise<void> {
    await this.#onServer(async () => {
      const terminal = await this.#registry.get(this.terminal.routing);
      const [type, payload] = isPaperKeyMessage(bytes)
        ? [readPaperKeyMessage(bytes).type, bytes]
        : signedParts(terminal, bytes);
      const answer = await this.#changes.take(terminal, type as ToServer, bytes, payload);
      for (const order of answer) this.#remember(`order to ${toHex(sha256(bytes))}`, order);
      this.toTerminal.push(...answer);
    });
  }

  /** One message reaches the terminal; its answer is on its way. */
  take(bytes: Uint8Array): void {
    const { type } = isPaperKeyMessage(bytes) ? readPaperKeyMessage(bytes) : parseSigned(bytes);
    const routing = this.terminal.routing;
    try {
      const parts = { module: this.#module, routing, answers: this.#answers, emit: () => undefined };
      takeKeyChange(parts, type as ToTerminal, bytes);
    } catch (error) {
      if (!isPowerCut(error)) throw error;
      this.restartTerminal();
    }
    for (let answer = this.#answers.take(); answer; answer = this.#answers.take()) {
      if (!isRefusal(answer)) this.#remember(`to ${toHex(sha256(bytes))}`, answer);
      this.toServer.push(answer);
    }
  }

  /** Delivers all that is under way, in order, until nothing is. */
  async deliverAll(): Promise<void> {
    while (this.toServer.length + this.toTerminal.length > 0) {
      const up = this.toServer.shift();
      if (up) await this.receive(up);
      const down = this.toTerminal.shift();
      if (down) this.take(down);
    }
  }

  /** Contacts over a network that loses nothing, minutes apart. */
  async heal(): Promise<void> {
    this.serverPower.cut = undefined;
    this.terminalPower.cut = undefined;
    for (let round = 0; round < 4; round += 1) {
      this.nowUnixMs += 61_000;
      await this.contact();
      await this.deliverAll();
    }
  }

  #openServer(): [KeyChanges, TerminalRegistry] {
    const keyStore = this.#port();
    const nowUnixMs = (): number => this.nowUnixMs;
    const { appendAudit, storeStatus, findBootOffset } = this.#catalog;
    const catalog = {
      appendAudit: async (entries: readonly AuditEntry[]) => {
        this.audit.push(...entries);
        return appendAudit(entries);
      },
      storeStatus: async (status: Parameters<typeof storeStatus>[0]) => storeStatus(status),
      findBootOffset: async (...args: Parameters<typeof findBootOffset>) => findBootOffset(...args),
    } as unknown as Catalog;
    const audit = new Audit(catalog, nowUnixMs);
    const watch = new KeyWatch({ keyStore, audit, nowUnixMs });
    const [receiptKey] = this.#store.serverKeys("receipt");
    if (!receiptKey) throw new Error("key store has no receipt key");
    const { keyId, privateBytes } = receiptKey;
    const keys = { statementKey: { keyId, privateKey: ed25519Private(privateBytes) } };
    const agreement = x25519Agreement;
    const exchange = new KeyExchange({ keyStore, watch, keys, agreement, audit, random: systemRandom, nowUnixMs });
    const changes = new KeyChanges({ keyStore, watch, exchange, nowUnixMs });
    const mailbox = new Mailbox(keys, nowUnixMs);
    this.#statusKeeper = new StatusKeeper({ catalog, keyStore, mailbox, keyWatch: watch, nowUnixMs });
    return [changes, new TerminalRegistry(keyStore, () => performance.now())];
  }

  /** The real store behind promises, as its thread gives it, on a power that may go. */
  #port(): KeyStorePort {
    const store = this.#store;
    const findTerminal = (routing: Terminal["routing"]) => {
      const terminal = store.findTerminalByRouting(routing);
      return terminal && { terminal, block: store.openBlock(terminal.serial), paper: paperFacts(store, terminal) };
    };
    const call = (name: string, args: readonly unknown[]): unknown => {
      if (name === "findTerminal") return findTerminal(args[0] as Terminal["routing"]);
      const member = (store as unknown as Record<string, unknown>)[name];
      const work = (): unknown => (typeof member === "function" ? member.apply(store, args) : member);
      return WRITES.has(name) ? this.serverPower.write(work) : work();
    };
    const methods = {
      get:
        (_target: object, name: string) =>
        async (...args: readonly unknown[]) =>
          call(name, args),
    };
    return new Proxy({}, methods) as KeyStorePort;
  }

  #openModule(): TerminalModule {
    const { folder, terminalPower } = this;
    const powered: Folder = {
      ...folder,
      replace: (name, contents) => terminalPower.write(() => folder.replace(name, contents)),
    };
    return openTerminal(this.terminal, this.#ports(powered), this.#authorisation);
  }

  #ports(folder: Folder) {
    return { folder, random: systemRandom, nowUnixMs: () => this.nowUnixMs };
  }

  /** The number of the next status; undefined when power went meanwhile. */
  #takeContact(): number | undefined {
    try {
      return this.#module.takeContact();
    } catch (error) {
      if (!isPowerCut(error)) throw error;
      this.restartTerminal();
      return undefined;
    }
  }

  async #onServer(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (codeOf(error) === "ERR_STATUS_REPLAYED") return;
      if (!isPowerCut(error)) throw error;
      this.restartServer();
    }
  }

  /** A step that is repeated must give the same bytes. */
  #remember(step: string, bytes: Uint8Array): void {
    const said = toHex(bytes);
    if ((this.#said.get(step) ?? said) !== said) throw new Error(`step gave other bytes: ${step}`);
    this.#said.set(step, said);
  }
}

/** Type and payload of a message that the terminal signed. */
function signedParts({ verifyKey }: RegisteredTerminal, bytes: Uint8Array) {
  const message = parseSigned(bytes);
  verifyMessage(verifyKey, message);
  return [message.type, message.payload] as const;
}

function isRefusal(answer: Uint8Array): boolean {
  return !isPaperKeyMessage(answer) && parseSigned(answer).type === "pericard/key-refused";
}

function isPowerCut(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause.message === POWER_IS_GONE) return true;
  return false;
}
