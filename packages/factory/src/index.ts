/** The key authority: draws the master key sequence, deploys its blocks, verifies and registers terminals. */
export { deployTerminal, deployTerminals, openSequence, type DeploymentSite, type Factory } from "./deploy.ts";
export * from "./errors.ts";
export { MasterSequence, SEQUENCE_BLOCKS_MAX } from "./master-sequence.ts";
export { deployPaperTerminal } from "./paper-2018.ts";
export * from "./verify.ts";
