/** Framed append-only files, and the disk as an argument. Holds no key: what it stores was sealed before. */
export * from "./errors.ts";
export * from "./folder.ts";
export * from "./folder-disk.ts";
export * from "./folder-memory.ts";
export * from "./folder-lock.ts";
export * from "./folder-reserve.ts";
export * from "./frame.ts";
export * from "./frame-head.ts";
export * from "./frame-scan.ts";
export * from "./frame-log.ts";
