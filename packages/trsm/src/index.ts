/** The 1 KB secure module: its image and its adapters. No call returns a key. */
export { openCountedModule, type CountedModule } from "./counted-module.ts";
export * from "./counters.ts";
export * from "./errors.ts";
export { TRSM_IMAGE_BYTES } from "./image.ts";
export { PAPER_SAMPLE_CODEC, type PaperModule } from "./paper-module.ts";
export { loadPaperTrsm, type PaperTrsmLoad } from "./paper-trsm.ts";
export * from "./place.ts";
export * from "./provision.ts";
export { readRefusals, REFUSAL_KINDS, type Refusal, type RefusalKind, type RefusalRecord } from "./refusals.ts";
export * from "./secure-module.ts";
export { openTerminalModule, openTrsm, writeAuthorisation } from "./module-folder.ts";
export { openModule, openPaperModule, type TerminalModule } from "./terminal-module.ts";
export * from "./trsm.ts";
