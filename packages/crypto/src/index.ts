/** Suites and key schedule: seal and open, sign and verify, derive. The only package that computes with keys. */
export * from "./aead.ts";
export * from "./blob.ts";
export * from "./envelope.ts";
export * from "./errors.ts";
export * from "./hash.ts";
export * from "./hpke.ts";
export * from "./keys.ts";
export * from "./package.ts";
export * from "./passphrase.ts";
export * from "./random.ts";
export * from "./schedule.ts";
export * from "./seal-encrypt0.ts";
export * from "./segment.ts";
export * from "./signed.ts";
