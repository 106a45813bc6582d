/** The 1 KB secure module: its image and its adapters. No call returns a key. */
export * from "./counters.ts";
export * from "./errors.ts";
export { TRSM_IMAGE_BYTES } from "./image.ts";
export * from "./provision.ts";
export * from "./secure-module.ts";
export * from "./soft.ts";
export { openTerminalModule, writeAuthorisation } from "./soft-folder.ts";
