/** Public face of `ecg`: samples, codecs, field file formats, synthesiser. Pure: no I/O, no clock, no randomness. */
export { EcgError, type EcgErrorCode } from "./errors.ts";
export { rational, rationalFromDecimal, decimalFromRational, type Rational } from "./rational.ts";
export {
  assertBlockShape,
  assertWaveformFormat,
  isGainText,
  samplesPerFrameTotal,
  WAVEFORM_LIMITS,
  type Lead,
  type SampleBlock,
  type WaveformFormat,
} from "./model.ts";
export { isMillivolt, physicalFromDigital } from "./physical.ts";
export { deinterleave, interleave } from "./interleave.ts";
export { getSegmentCodec, SEGMENT_CODECS, type SegmentCodec, type SegmentCodecName } from "./codecs.ts";
export { BYTE_CODEC_NAMES, BYTE_CODECS, type ByteCodec, type ByteCodecName } from "./codec/bytes/byte-codecs.ts";
export { chunkEnd } from "./codec/bytes/gear.ts";
export { encodeLeadResidual } from "./codec/encode-lead-residual.ts";
export { createPleth, type PlethOptions, type PlethSynthesiser } from "./synth/pleth.ts";
export { decodeLeadResidual } from "./codec/decode-lead-residual.ts";
export { DECODE_LIMITS, type DecodeLimits } from "./codec/layout.ts";
export { parseInterleaved16 } from "./stdin-source.ts";
export type { SignalFiles } from "./wfdb/signal-files.ts";
export { WFDB_LIMITS, type WfdbBaseTime, type WfdbHeader, type WfdbSignalLine } from "./wfdb/header.ts";
export { parseWfdbHeader } from "./wfdb/parse-header.ts";
export { openWfdbRecord, type WfdbRecord, type WfdbSignalGroup } from "./wfdb/open-record.ts";
export { BLOCK_SAMPLES_MAX, readBlocks } from "./wfdb/read-blocks.ts";
export type { SignalFormatName } from "./wfdb/signal-format.ts";
export { chooseSignalFormat, createWfdbWriter, type WfdbWriter, type WfdbWriterOptions } from "./wfdb/write-record.ts";
export { createSynthesiser, type Synthesiser, type SynthesiserOptions } from "./synth/synthesiser.ts";
