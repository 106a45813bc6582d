/** Server and gateway as processes over a folder of their own, with links that terminals and gateway go through. */
import { parseSigned } from "@pericard/protocol";
import { ApiClient, configOf, findSettings, keyStorePlace } from "@pericard/server";
import { openInstallation, passphraseSecret, readPassphraseFile, type KeyStore } from "@pericard/custody";
import { systemRandom } from "@pericard/crypto";
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createDemoLink,
  demoPaths,
  openDemo,
  prepareTerminal,
  writeGatewayConfig,
  type DemoPaths,
} from "../demo/installation.ts";
import { LabError } from "../errors.ts";
import type { TappedMessage } from "./http-tap.ts";
import { Link } from "./link.ts";
import { commandOf, processIds } from "./processes.ts";
import { Program } from "./program.ts";
import { ReceiptLedger } from "./receipt-ledger.ts";

/** The programs that run all the time. */
export type StationName = "server" | "gateway";

interface Traffic {
  /** An envelope passed, on its way to that program. */
  envelope: [to: StationName];
}

const LINK_LIFETIME_MS = 3600_000;

/** One site of a test. */
export class Site {
  readonly paths: DemoPaths;
  readonly links: Readonly<Record<StationName, Link>>;
  readonly receipts: ReceiptLedger;
  readonly traffic: EventEmitter<Traffic>;
  readonly #stations = new Map<StationName, Program>();
  readonly #programs: Program[] = [];
  #serverUrl = "";
  #rebuildCount = 0;

  private constructor(paths: DemoPaths, links: Site["links"], receipts: ReceiptLedger, traffic: EventEmitter<Traffic>) {
    this.paths = paths;
    this.links = links;
    this.receipts = receipts;
    this.traffic = traffic;
  }

  /** Makes an installation in a new folder. Nothing runs yet. @param prepare changes its folders before they are used. */
  static async open(prepare: (paths: DemoPaths) => void = () => undefined): Promise<Site> {
    const paths = demoPaths(mkdtempSync(join(tmpdir(), "pericard-crash-")));
    prepare(paths);
    const { store } = openDemo(paths);
    const [receiptKey] = store.serverKeys("receipt");
    store.close();
    const receipts = new ReceiptLedger(receiptKey?.publicBytes ?? new Uint8Array(0));
    const traffic = new EventEmitter<Traffic>();
    traffic.setMaxListeners(0);
    const open = (to: StationName): Promise<Link> =>
      Link.open({
        onRequest: (message) => isEnvelope(message) && traffic.emit("envelope", to),
        onAnswer: (message) => receipts.hear(message),
      });
    return new Site(paths, { server: await open("server"), gateway: await open("gateway") }, receipts, traffic);
  }

  /** The running program of that name. */
  station(name: StationName): Program {
    const program = this.#stations.get(name);
    if (!program) throw new LabError("ERR_CHILD_FAILED", `${name} was not started`);
    return program;
  }

  /** How often a server made its catalog anew; the first start does. */
  get rebuildCount(): number {
    return this.#rebuildCount;
  }

  /** Starts a program; its link leads to it once it is ready. */
  start(name: StationName): Program {
    const program = this.spawn(name === "server" ? this.#serverArgs() : this.#gatewayArgs());
    this.#stations.set(name, program);
    program.ready.then(
      ({ url, rebuilt }) => {
        if (name === "server") this.#serverUrl = String(url);
        if (name === "server" && rebuilt !== null) this.#rebuildCount += 1;
        this.links[name].leadTo(String(url));
      },
      () => undefined,
    );
    return program;
  }

  async startAll(): Promise<void> {
    await this.start("server").ready;
    await this.start("gateway").ready;
  }

  /** Starts any command; the site knows it from then on. */
  spawn(args: readonly string[]): Program {
    const environment = { PERICARD_KEK_PASSPHRASE_FILE: this.paths.passphraseFile };
    const program = new Program({ args, environment });
    this.#programs.push(program);
    return program;
  }

  /** Stops both programs as an operator would. */
  async stopAll(): Promise<void> {
    await this.station("gateway").stop();
    await this.station("server").stop();
  }

  /** Deploys a terminal with a patient of its own. @returns its folder. */
  deploy(number: number): string {
    this.withStore((store) => prepareTerminal(this.paths, store, number, this.links.gateway.url));
    return this.paths.terminal(number);
  }

  /** Runs work on the key store. */
  withStore<T>(work: (store: KeyStore) => T): T {
    const { server, passphraseFile } = this.paths;
    const settings = findSettings(server);
    if (!settings) throw new LabError("ERR_CHILD_FAILED", "site has no settings");
    const passphrase = readPassphraseFile(passphraseFile, server);
    const { store } = openInstallation(
      keyStorePlace(configOf(server, settings, undefined)),
      passphraseSecret(passphrase),
      systemRandom,
    );
    try {
      return work(store);
    } finally {
      store.close();
    }
  }

  /** Signs in at the server's own address as a clinician. */
  async signIn(): Promise<ApiClient> {
    await this.station("server").ready;
    return ApiClient.signIn(
      this.#serverUrl,
      this.withStore((store) => createDemoLink(store, LINK_LIFETIME_MS)),
    );
  }

  /** Ids of processes that name the site's folder: what was started here, and what that started. */
  leftProcesses(): readonly number[] {
    return processIds().filter((pid) => commandOf(pid).includes(this.paths.root));
  }

  /** Ends everything that still runs. */
  async stopRunning(): Promise<void> {
    await Promise.all(this.#programs.filter(({ running }) => running).map((program) => program.kill()));
  }

  /** Ends what still runs and removes the folder. */
  async remove(): Promise<void> {
    await this.stopRunning();
    await Promise.all(Object.values(this.links).map((link) => link.close()));
    rmSync(this.paths.root, { recursive: true, force: true });
  }

  #serverArgs(): readonly string[] {
    return ["server", "--data", this.paths.server, "--port", "0", "--viewer", "none", "--log-level", "warn", "--json"];
  }

  #gatewayArgs(): readonly string[] {
    writeGatewayConfig(this.paths, this.links.server.url);
    return ["gateway", "--config", this.paths.gatewayConfig, "--log-level", "error", "--json"];
  }
}

function isEnvelope({ body }: TappedMessage): boolean {
  return body.length > 0 && parseSigned(body).type === "pericard/envelope";
}
