/** Sealed segments of either suite, as far as a journal and its chain need them. Source: docs/format.md §5; docs/format-paper-2018.md §4. */
import type { TenantId, TerminalId } from "./ids.ts";
import { parsePaperSegment } from "./paper-segment.ts";
import { parseSegment, type KeyUse, type SegmentPlace } from "./segment.ts";
import type { Suite } from "./suites.ts";

/** What the headers of both suites say. Nothing of it is verified. */
export interface JournalledHeader extends KeyUse, SegmentPlace {
  readonly suite: Suite;
  readonly tenant: TenantId;
  readonly terminal: TerminalId;
  readonly policyVersion: number;
  readonly prev: Uint8Array | null;
  readonly final: boolean;
}

/** Major type of a CBOR tag: what a COSE message begins with. */
const TAG = 6;

/** The header of a sealed segment. @throws {ProtocolError} with the code of the first thing that is wrong. */
export function parseJournalledHeader(sealed: Uint8Array): JournalledHeader {
  const isCose = (sealed[0] ?? 0) >> 5 === TAG;
  return isCose ? parseSegment(sealed).header : parsePaperSegment(sealed).header;
}
