/** Who holds the key-encryption key, and the store of everything sealed under it. */
export * from "./errors.ts";
export * from "./kek.ts";
export * from "./key-store.ts";
export * from "./server-keys.ts";
export * from "./installation.ts";
