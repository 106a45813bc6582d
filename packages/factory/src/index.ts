/** The key authority: draws the master key sequence, deploys its blocks, verifies and registers terminals. */
export { deployTerminal, deployTerminals, openSequence, type DeploymentSite, type Factory } from "./deploy.ts";
export * from "./errors.ts";
export { makeIntake, readIntake, type MadeIntake } from "./intake.ts";
export { MasterSequence, SEQUENCE_BLOCKS_MAX } from "./master-sequence.ts";
export { deployPaperTerminal } from "./paper-2018.ts";
export * from "./transfer-export.ts";
export * from "./transfer-import.ts";
export * from "./verify.ts";
