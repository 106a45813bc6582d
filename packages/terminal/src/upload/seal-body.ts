/**
 * From journalled segments to the bytes of an envelope, in the order of the terminal's suite: pericard-1 encoded before it
 * sealed; paper-2018 compresses here what was sealed, as paper A's Fig. 1 has it.
 *
 * Source: docs/format.md §6; docs/format-paper-2018.md §5.
 */
import { BYTE_CODECS } from "@pericard/ecg";
import {
  encodePaperContent,
  parseEnvelope,
  parseSigned,
  SUITE,
  type EnvelopeId,
  type PaperCodec,
  type RoutingId,
} from "@pericard/protocol";
import type { PaperModule, TerminalModule } from "@pericard/trsm";
import type { ServerTrust } from "../server-trust.ts";

/** What sealing works with. */
export interface SealParts {
  readonly module: TerminalModule;
  readonly routing: RoutingId;
  readonly trust: ServerTrust;
  /** What compresses sealed segments, in suite paper-2018 alone. */
  readonly envelopeCodec: PaperCodec;
}

/** An envelope as it is sent. */
export interface SealedBody {
  readonly envelope: EnvelopeId;
  readonly bytes: Uint8Array;
}

/** @param segments 1 to 64, as journalled. @throws {TerminalError} ERR_SERVER_UNTRUSTED. */
export function sealBody(parts: SealParts, segments: readonly Uint8Array[]): SealedBody {
  const { module, routing, trust, envelopeCodec } = parts;
  if (module.suite === SUITE.paper2018) return sealPaperBody(module, routing, envelopeCodec, segments);
  const bytes = module.sealEnvelope(trust.getRecipient(), routing, segments);
  return { envelope: parseEnvelope(parseSigned(bytes).payload).header.envelope, bytes };
}

function sealPaperBody(
  module: PaperModule,
  routing: RoutingId,
  codec: PaperCodec,
  segments: readonly Uint8Array[],
): SealedBody {
  return module.sealEnvelope(routing, { codec, encoded: BYTE_CODECS[codec].encode(encodePaperContent(segments)) });
}
