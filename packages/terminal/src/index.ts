/** The terminal SDK: sources, recorder, journal, uploader. Seals before anything touches the disk or the network. */
export * from "./clock.ts";
export * from "./clock-system.ts";
export { SEGMENT_LENGTH_MS } from "./commands.ts";
export * from "./errors.ts";
export * from "./events.ts";
export * from "./open-terminal.ts";
export type { RecordReport } from "./record/recorder.ts";
export * from "./sources/source.ts";
export { JOURNAL_LIMIT_BYTES, type TerminalPorts, type TerminalProfile } from "./terminal-parts.ts";
export type { TerminalStatus } from "./terminal-status.ts";
export { Terminal, type RecordOptions, type TerminalReport } from "./terminal.ts";
export * from "./upload/transport.ts";
export * from "./upload/transport-http.ts";
export * from "./small-heap.ts";
export * from "./sources/again.ts";
export * from "./sources/stream-source.ts";
export * from "./sources/synthetic-source.ts";
export * from "./sources/wfdb-source.ts";
