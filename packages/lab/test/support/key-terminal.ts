/** The terminal of a {@link KeyWorld}, of either suite: registered, loaded, opened. */
import { systemRandom } from "@pericard/crypto";
import type { KeyStore, Terminal } from "@pericard/custody";
import { SUITE, type TenantId } from "@pericard/protocol";
import { loadPaperTrsm, type TerminalModule, type TrsmPorts } from "@pericard/trsm";
import type { PaperFacts } from "../../../server/src/keys/paper-peer.ts";
import { openPaperTrsm } from "../../../trsm/src/paper-trsm.ts";
import { createSoftTrsm } from "../../../trsm/src/soft.ts";
import { body, request } from "../../../trsm/test/support/sealing.ts";

/** What a deployment needs. */
export interface KeyDeployment {
  readonly store: KeyStore;
  readonly tenant: TenantId;
  readonly ports: TrsmPorts;
  readonly authorisation: Uint8Array;
}

/** Deploys a terminal of suite pericard-1. */
export function deployPericard({ store, tenant, ports, authorisation }: KeyDeployment): Terminal {
  const block = systemRandom(960);
  const { serial, blockIndex } = store.allocateTerminal(tenant, block, ports.nowUnixMs());
  const trsm = createSoftTrsm(ports);
  trsm.load(authorisation, { block, serial, blockIndex, rootPin: systemRandom(16) });
  const { signPublicKey, agreePublicKey } = trsm.open(authorisation, tenant);
  return store.activateTerminal(serial, signPublicKey, agreePublicKey);
}

/** Deploys a terminal of suite paper-2018. */
export function deployPaper({ store, tenant, ports, authorisation }: KeyDeployment): Terminal {
  const { leave, publicDer: serverPublicDer } = store.getPaperTenant(tenant);
  const taken = { index: store.nextBlockIndex, block: systemRandom(960) };
  const { serial, blockIndex } = store.allocatePaperTerminal(leave, taken, ports.nowUnixMs());
  const load = { block: taken.block, serial, blockIndex, rootPin: systemRandom(16), serverPublicDer };
  loadPaperTrsm(ports, leave, authorisation, load);
  const { signPublicKey, envelopePublicKey } = openPaperTrsm(ports, authorisation, tenant);
  return store.activatePaperTerminal({ serial, signPublicKey, envelopePublicKey });
}

/** Opens the module of a deployed terminal. */
export function openTerminal({ suite, tenant }: Terminal, ports: TrsmPorts, authorisation: Uint8Array): TerminalModule {
  return suite === SUITE.paper2018
    ? openPaperTrsm(ports, authorisation, tenant)
    : createSoftTrsm(ports).open(authorisation, tenant);
}

/** Seals one segment, which takes one use. */
export function sealOne(module: TerminalModule): void {
  if (module.suite === SUITE.paper2018) module.sealSegment(request, { ...body, codec: "raw" });
  else module.sealSegment(request, body);
}

/** What the key store's thread gives beside a terminal of suite paper-2018. */
export function paperFacts(store: KeyStore, { suite, serial, tenant: id }: Terminal): PaperFacts | null {
  const envelopePublicDer = store.findEnvelopeKey(serial);
  const tenant = store.tenants().find((record) => record.id === id);
  if (suite !== SUITE.paper2018 || !envelopePublicDer || !tenant) return null;
  return { tenant, privateDer: store.getPaperTenant(id).privateDer, envelopePublicDer };
}
