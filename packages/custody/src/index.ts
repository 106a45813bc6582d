/** Who holds the key-encryption key, and the store of everything sealed under it. */
export type * from "./entities.ts";
export { DATA_TYPES } from "./entities.ts";
export * from "./errors.ts";
export type { Kek, KekAccess } from "./kek.ts";
export type { KekSecret } from "./kek-file.ts";
export type { TokenDoor, TokenKey } from "./kek-token.ts";
export * from "./rotate-kek.ts";
export * from "./key-store.ts";
export type { PaperTenant } from "./paper-2018.ts";
export type { MasterSequenceKey } from "./sequence-key.ts";
export * from "./passphrase-file.ts";
export * from "./server-keys.ts";
export * from "./server-identity.ts";
export * from "./installation.ts";
export * from "./factory-installation.ts";
export type { Handover, NewMembership } from "./handover.ts";
export type { Import, Intakes, TerminalSecrets } from "./intakes.ts";
export { serialOf } from "./terminals.ts";
