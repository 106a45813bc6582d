/** The key authority: draws key blocks, deploys them, verifies and registers terminals. */
export * from "./deploy.ts";
export * from "./errors.ts";
