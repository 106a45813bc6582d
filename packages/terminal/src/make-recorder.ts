/** Makes a terminal's recorders from its parts. */
import type { TerminalListener } from "./events.ts";
import { Drafts, DRAFTS_SOURCE_ID } from "./observe/drafts.ts";
import { ObservationRecorder } from "./observe/observation-recorder.ts";
import { Recorder } from "./record/recorder.ts";
import { createSegmentSink, type SegmentSink, type SinkParts } from "./record/segment-sink.ts";
import { SegmentWriter } from "./record/segment-writer.ts";
import { planStart } from "./record/start.ts";
import type { Source } from "./sources/source.ts";
import { requireKeyed } from "./suite-rules.ts";
import type { TerminalParts } from "./terminal-parts.ts";

/** What recorders are made of. */
export interface RecorderMakerParts extends TerminalParts, Pick<SinkParts, "onDurable"> {
  readonly emit: TerminalListener;
}

/** A recorder of sources of samples, one at least. @param waitForRoom as in the parts of a sink. */
export function makeRecorder(
  parts: RecorderMakerParts,
  sources: readonly [Source, ...Source[]],
  waitForRoom: SinkParts["waitForRoom"],
): Recorder {
  const { heads, module, random, segmentCodec, clock, bootId, commands } = parts;
  const [source] = sources;
  const start = planStart(source, heads.head);
  const chain = { head: heads.head, open: start.open, cause: start.cause };
  return new Recorder({
    sources,
    start,
    sink: makeSink(parts, source.kind, waitForRoom),
    writer: new SegmentWriter(module, random, source.sourceId, chain),
    codec: segmentCodec,
    run: { clock, bootId },
    segmentLengthMs: () => commands.segmentLengthMs(),
  });
}

/**
 * A recorder of what sensors tell, with the drafts that wait in the terminal's folder.
 *
 * @throws {TerminalError} ERR_SUITE_REFUSED for suite paper-2018; ERR_JOURNAL_DISK.
 */
export function makeObservationRecorder(parts: RecorderMakerParts): ObservationRecorder {
  const { folder, journal, heads, module, random, clock, bootId, bell, commands, emit } = parts;
  const keyed = requireKeyed(module);
  const chain = { head: heads.head, open: null, cause: heads.head?.final === false ? "restart" : "start" } as const;
  const drafts = new Drafts(folder, keyed, heads.head);
  if (drafts.lostCount > 0) emit({ type: "observations-lost", count: drafts.lostCount });
  return new ObservationRecorder({
    drafts,
    writer: new SegmentWriter(module, random, DRAFTS_SOURCE_ID, chain),
    sink: makeSink(parts, "live", undefined),
    run: { clock, bootId },
    bell,
    hasRoom: (sizeBytes) => journal.sizeBytes + sizeBytes <= journal.limitBytes,
    segmentLengthMs: () => commands.segmentLengthMs(),
  });
}

function makeSink(
  { journal, heads, clock, onDurable }: RecorderMakerParts,
  origin: SinkParts["origin"],
  waitForRoom: SinkParts["waitForRoom"],
): SegmentSink {
  return createSegmentSink({ journal, heads, clock, waitForRoom, origin, onDurable });
}
