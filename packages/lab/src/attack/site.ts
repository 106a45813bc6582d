/** An installation of the attack lab: a real server in this process over a temporary folder, and a synthetic tenant. */
import { systemRandom, type SyntheticTenant } from "@pericard/crypto";
import { KeyStore, type PaperTenant, type Tenant } from "@pericard/custody";
import type { Factory } from "@pericard/factory";
import { createMemoryFolder } from "@pericard/framelog";
import {
  decodeMail,
  parseSigned,
  Receipt,
  Rejected,
  SIGNED_MEDIA_TYPE,
  toHex,
  UPLOAD_PATH,
  type TerminalId,
} from "@pericard/protocol";
import { keyFolderPaths, SERVER_DEFAULTS, startServer, systemEnvironment, type RunningServer } from "@pericard/server";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Judge, Verdict } from "./target.ts";

/** Everything of one run. */
export interface AttackSite {
  readonly store: KeyStore;
  readonly factory: Factory;
  readonly tenant: Tenant;
  /** Leave for suite paper-2018, which the key store gives for a tenant that was created synthetic alone. */
  readonly paper: PaperTenant;
  readonly leave: SyntheticTenant;
  readonly url: string;
  /** Token that admits to the server. */
  readonly token: string;
  /** The real server's word on a message. */
  readonly judge: Judge;
  /** Bytes of all packs. */
  keptBytes(): number;
  alarms(serial: TerminalId): readonly string[];
  close(): Promise<void>;
}

/** Opens a site. @param synthetic how its tenant is created. @throws {CryptoError} ERR_SUITE_GUARD unless it is synthetic. */
export async function openAttackSite({ synthetic }: { readonly synthetic: boolean }): Promise<AttackSite> {
  const root = mkdtempSync(join(tmpdir(), "pericard-lab-attack-"));
  const undo: (() => unknown)[] = [() => rmSync(root, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    return { ...(await open(root, synthetic, undo)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(root: string, synthetic: boolean, undo: (() => unknown)[]): Promise<Omit<AttackSite, "close">> {
  const random = systemRandom;
  const token = toHex(random(16));
  const volumePath = join(root, "volume");
  const config = {
    ...SERVER_DEFAULTS,
    port: 0,
    dataPath: join(root, "data"),
    volumePaths: [volumePath],
    copyCount: 1,
    uploadClients: [{ name: "lab", token }],
    viewerPath: undefined,
  };
  const kek = random(32);
  const { store } = KeyStore.create(keyFolderPaths(config), kek, Date.now(), random);
  undo.push(() => store.close());
  const tenant = store.addTenant("attack lab", synthetic, Date.now());
  const paper = store.getPaperTenant(tenant.id);
  const environment = systemEnvironment(kek);
  environment.logger.level = "silent";
  const server: RunningServer = await startServer(config, environment);
  undo.push(() => server.close());
  return {
    store,
    factory: { store, sequenceFolder: createMemoryFolder(), random, nowUnixMs: Date.now },
    tenant,
    paper,
    leave: paper.leave,
    url: server.url,
    token,
    judge: (message) => postTo(server.url, token, message),
    keptBytes: () => packBytes(volumePath),
    alarms: (serial) => store.keyLife(serial).alarms.map(({ kind }) => kind),
  };
}

function packBytes(volumePath: string): number {
  const packs = readdirSync(volumePath).filter((name) => name.startsWith("pack-"));
  return packs.reduce((sum, name) => sum + statSync(join(volumePath, name)).size, 0);
}

async function postTo(url: string, token: string, message: Uint8Array): Promise<Verdict> {
  const response = await fetch(`${url}${UPLOAD_PATH}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": SIGNED_MEDIA_TYPE },
    body: new Uint8Array(message),
  });
  const body = new Uint8Array(await response.arrayBuffer());
  if (response.ok) return readMail(body);
  const { code } = JSON.parse(new TextDecoder().decode(body)) as { readonly code?: unknown };
  return { taken: [], code: String(code) };
}

function readMail(body: Uint8Array): Verdict {
  const messages = decodeMail(body).map((bytes) => parseSigned(bytes));
  const payloads = (type: string): Uint8Array[] =>
    messages.filter((message) => message.type === type).map(({ payload }) => payload);
  const receipts = payloads("pericard/receipt").map((payload) => Receipt.decode(payload));
  const rejections = payloads("pericard/rejected").map((payload) => Rejected.decode(payload));
  const hasConflict = payloads("pericard/conflict").length > 0;
  return {
    taken: receipts.flatMap(({ hashes }) => hashes.map(toHex)),
    code: rejections[0]?.code ?? (hasConflict ? "conflict" : null),
  };
}
