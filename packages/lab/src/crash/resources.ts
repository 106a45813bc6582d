/** What a process took: peak resident memory and processor time, from /proc. Source: proc(5). */
import { readFileSync } from "node:fs";

/** Figures of one process. */
export interface Resources {
  /** VmHWM in MB (10^6 bytes). */
  readonly peakMegabytes: number;
  readonly processorSeconds: number;
}

const TICKS_PER_SECOND = 100;
const POLL_MS = 100;

function readResources(pid: number): Resources | undefined {
  try {
    const peakKib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
    const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    return { peakMegabytes: (peakKib * 1024) / 1e6, processorSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    // The process has ended: what was read before is the last that can be known.
    return undefined;
  }
}

/** Watches a process until it has ended or `stop` is called. */
export function watchResources(pid: number): { stop(): Resources } {
  let last: Resources = { peakMegabytes: 0, processorSeconds: 0 };
  const read = (): void => {
    const now = readResources(pid);
    if (now && now.peakMegabytes > 0) last = now;
  };
  const timer = setInterval(read, POLL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      read();
      return last;
    },
  };
}
