/** The 1 KB secure module: its image and its adapters. No call returns a key. */
export * from "./counters.ts";
export * from "./errors.ts";
export * from "./image.ts";
export * from "./provision.ts";
export * from "./secure-module.ts";
export * from "./soft.ts";
export * from "./soft-folder.ts";
