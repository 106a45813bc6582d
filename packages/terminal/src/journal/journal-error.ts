/** What the disk says, as what a caller of the journal can act on. */
import { FrameError } from "@pericard/framelog";
import { TrsmError } from "@pericard/trsm";
import { TerminalError } from "../errors.ts";

const FULL: ReadonlySet<string> = new Set(["ERR_LOG_DISK_FULL", "ENOSPC", "EDQUOT"]);

/** The terminal's error for a failed disk. What is no disk error is thrown as it is. */
export function journalError(cause: unknown): TerminalError {
  if (cause instanceof TerminalError) return cause;
  const code = String((cause as { readonly code?: unknown }).code);
  if (FULL.has(code)) return new TerminalError("ERR_JOURNAL_DISK_FULL", "disk of the journal is full", { cause });
  const isDisk = cause instanceof FrameError ? code !== "ERR_LOG_FORMAT" : /^E[A-Z0-9]+$/.test(code);
  if (isDisk) return new TerminalError("ERR_JOURNAL_DISK", "disk of the journal failed", { cause });
  throw cause;
}

/** Whether an error is the terminal's disk, under the journal or the module, and no fault of what was being done. */
export function isDiskError(error: unknown): boolean {
  if (error instanceof TrsmError) return error.code.startsWith("ERR_TRSM_DISK");
  return error instanceof TerminalError && error.code.startsWith("ERR_JOURNAL_DISK");
}
