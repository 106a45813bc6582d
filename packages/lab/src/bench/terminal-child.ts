/** A process that is measured: the source alone, or the same source through the real recorder. */
import { keepHeapSmall, openTerminal } from "@pericard/terminal";
import { processorMicroseconds, serveParent } from "./child-serve.ts";
import { openFrameFile, type FrameFile } from "./frame-file.ts";

/** What one run records. */
export interface TerminalRun {
  readonly file: FrameFile;
  readonly frameCount: number;
  readonly terminalPath: string;
  readonly journalLimitBytes: number;
}

keepHeapSmall();

const NEVER = new AbortController().signal;

const methods = {
  /** Processor time of the source alone, in microseconds. */
  read: async ({ file, frameCount }: TerminalRun): Promise<number> => {
    const before = processorMicroseconds();
    let taken = 0;
    for await (const block of openFrameFile(file, frameCount).blocks(0, NEVER)) taken += block.frameCount;
    if (taken !== frameCount) throw new RangeError(`source gave ${taken} frames of ${frameCount}`);
    return processorMicroseconds() - before;
  },
  /** Encodes, seals and journals everything. Processor time in microseconds, and what the journal then holds. */
  record: async ({ file, frameCount, terminalPath, journalLimitBytes }: TerminalRun) => {
    const before = processorMicroseconds();
    const terminal = openTerminal(terminalPath, { journalLimitBytes });
    const { segmentCount } = await terminal.record(openFrameFile(file, frameCount), { signal: NEVER, upload: false });
    const journalBytes = terminal.status().journal.bytes;
    terminal.close();
    return { microseconds: processorMicroseconds() - before, segmentCount, journalBytes };
  },
  stop: (): void => undefined,
};
export type TerminalChildMethods = typeof methods;
serveParent(methods);
