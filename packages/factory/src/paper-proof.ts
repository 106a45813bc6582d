/**
 * The paper's check of a deployment: MD5 of the block and the serial number.
 *
 * Both are the same each time: who has heard them once can say them again. Nothing vouches for the public keys but that they
 * are read from the module right after it was loaded.
 *
 * Source: paper A §II.G; docs/format-paper-2018.md §6.
 */
import { equalSecrets, paperBlockDigest } from "@pericard/crypto";
import type { KeyStore, PaperTerminalKeys, Terminal } from "@pericard/custody";
import { decodePaperCheck, SUITE } from "@pericard/protocol";
import type { PaperModule } from "@pericard/trsm";

/** Whether a module's check and keys are those of the registration. */
export function provesPaperBlock(
  { store }: { readonly store: KeyStore },
  terminal: Terminal,
  module: PaperModule,
): boolean {
  if (terminal.suite !== SUITE.paper2018) return false;
  const { serial, tenant, signPublicKey: registered } = terminal;
  const { leave } = store.getPaperTenant(tenant);
  const check = decodePaperCheck(module.deploymentCheck());
  const sameBlock = equalSecrets(paperBlockDigest(leave, store.openBlock(serial)), check.digest);
  const envelopeKey = store.findEnvelopeKey(serial);
  const sameKeys =
    (registered === null || equalSecrets(registered, module.signPublicKey)) &&
    (envelopeKey === undefined || equalSecrets(envelopeKey, module.envelopePublicKey));
  return check.terminal === serial && sameBlock && sameKeys;
}

/** What is registered of a module. */
export function paperKeysOf({ terminal, signPublicKey, envelopePublicKey }: PaperModule): PaperTerminalKeys {
  return { serial: terminal, signPublicKey, envelopePublicKey };
}
