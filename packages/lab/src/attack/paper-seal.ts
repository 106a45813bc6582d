/** What a terminal of the papers has in its flash, made from a block that the lab chose. */
import { paperStorageKey, sealPaperSegment } from "@pericard/crypto";
import { parsePaperSegment, SUITE, TerminalId } from "@pericard/protocol";
import { Chain } from "./chain.ts";
import { sealPaperA } from "./paper-a.ts";
import { describeLeads, rawSamples } from "./recording.ts";
import type { AttackSite } from "./site.ts";

/** Targets whose storage key is a DES key. */
export type PaperName = "A" | "A+B";

/** A terminal that is nobody's. */
export const SERIAL = TerminalId.parse("00000000ab56");

/** Seals samples under key `index` of a block: DES(k_i, samples), and in suite paper-2018 a segment around it. */
export function sealItem(
  { leave, tenant }: AttackSite,
  name: PaperName,
  block: Uint8Array,
  index: number,
  leads: readonly Int32Array[],
): Uint8Array {
  if (name === "A") return sealPaperA({ leave, serial: SERIAL, block }, index, rawSamples(leads));
  const use = { cycle: 0, index, use: 0, policyVersion: 0 };
  const header = { suite: SUITE.paper2018, tenant: tenant.id, terminal: SERIAL, ...new Chain().next, ...use };
  const key = paperStorageKey(leave, block, index);
  return sealPaperSegment(leave, key, header, describeLeads(leads, 0), rawSamples(leads));
}

/** The ciphertext in what {@link sealItem} gave. */
export function ciphertextIn(name: PaperName, item: Uint8Array): Uint8Array {
  return name === "A" ? item : parsePaperSegment(item).ciphertext;
}
