/** What a terminal's suite allows: which codecs at which place, and whose data. Source: docs/format-paper-2018.md §1, §4, §5. */
import type { SegmentCodecName } from "@pericard/ecg";
import { PAPER_CODECS, SUITE, type PaperCodec, type Suite } from "@pericard/protocol";
import { PAPER_SAMPLE_CODEC, type SecureModule, type TerminalModule } from "@pericard/trsm";
import { TerminalError } from "./errors.ts";
import type { Source } from "./sources/source.ts";

/** The codec of samples, before they are sealed, and that of sealed segments, which paper-2018 alone uses. */
export interface TerminalCodecs {
  readonly segmentCodec: SegmentCodecName;
  readonly envelopeCodec: PaperCodec;
}

/** What the paper's Table I found smallest. */
const ENVELOPE_CODEC: PaperCodec = "dedup+gzip";

/**
 * The codecs of a terminal. The chosen one encodes samples in pericard-1, sealed segments in paper-2018.
 *
 * @throws {TerminalError} ERR_SUITE_REFUSED when the suite does not have the chosen one at its place.
 */
export function codecsOf(suite: Suite, chosen: SegmentCodecName | undefined): TerminalCodecs {
  if (suite === SUITE.pericard1) {
    return { segmentCodec: chosen ?? "lead-residual", envelopeCodec: ENVELOPE_CODEC };
  }
  const envelopeCodec = chosen === undefined ? ENVELOPE_CODEC : PAPER_CODECS.find((codec) => codec === chosen);
  if (envelopeCodec) return { segmentCodec: PAPER_SAMPLE_CODEC, envelopeCodec };
  throw new TerminalError("ERR_SUITE_REFUSED", `suite paper-2018 compresses with ${PAPER_CODECS.join(", ")}`);
}

/** A module that takes observations. @throws {TerminalError} ERR_SUITE_REFUSED when the suite is paper-2018: they are people's. */
export function requireKeyed(module: TerminalModule): SecureModule {
  if (module.suite === SUITE.pericard1) return module;
  throw new TerminalError("ERR_SUITE_REFUSED", "suite paper-2018 is an experiment: it takes no observations of people");
}

/** @throws {TerminalError} ERR_SUITE_REFUSED when the suite is paper-2018 and the samples may be a person's. */
export function requireAllowed(suite: Suite, { testData }: Pick<Source, "testData">): void {
  if (suite === SUITE.pericard1 || testData !== undefined) return;
  throw new TerminalError(
    "ERR_SUITE_REFUSED",
    "suite paper-2018 is an experiment: it takes synthetic data, or data that is named as public test data",
  );
}
