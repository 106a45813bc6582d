/** How everything of suite paper-2018 is marked on screens and in exports. Source: docs/format-paper-2018.md §1. */
import type { SuiteName } from "@pericard/protocol";

/** The mark alone, or nothing for what needs none. */
export const PAPER_MARK = "paper-2018, experiment";

/** The mark to be put behind a word; empty for pericard-1. */
export function suiteMark(suite: SuiteName): string {
  return suite === "paper-2018" ? ` (${PAPER_MARK})` : "";
}
