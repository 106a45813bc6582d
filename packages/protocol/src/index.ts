/** Pericard's structures, ids, limits and codes: bytes in, values out; no I/O, no clock, no keys. */
export * from "./bytes.ts";
export * from "./cbor.ts";
export * from "./cose.ts";
export * from "./descriptor.ts";
export * from "./envelope.ts";
export * from "./errors.ts";
export * from "./fields.ts";
export * from "./http.ts";
export * from "./ids.ts";
export * from "./limits.ts";
export * from "./mail.ts";
export * from "./package.ts";
export * from "./segment.ts";
export * from "./signed.ts";
export * from "./statements.ts";
export * from "./suites.ts";
