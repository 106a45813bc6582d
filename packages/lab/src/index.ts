/** The lab: demo, experiments, benchmarks. It may import anything; only the command line imports it, when asked. */
export type { AttackRow, TargetName } from "./attack/attack.ts";
export { requirePicture, writePicture } from "./attack/picture-file.ts";
export { runAttackLab, type AttackOptions, type AttackReport } from "./attack/run.ts";
export { benchFactory, type FactoryBenchOptions, type FactoryBenchReport } from "./bench/factory.ts";
export { benchIngest, type IngestOptions, type IngestProgress, type IngestReport } from "./bench/ingest.ts";
export {
  benchTerminal,
  type TerminalBenchOptions,
  type TerminalBenchProgress,
  type TerminalBenchReport,
} from "./bench/terminal.ts";
export { carryOnce, type OnceOptions, type OnceReport } from "./demo/once.ts";
export { runDemo, type DemoOptions, type RunningDemo } from "./demo/run.ts";
export { liveLife, type LifeOptions } from "./life/life.ts";
export { drawLife } from "./life/picture.ts";
export { isSound, type LifeReport, type LivedLife } from "./life/report.ts";
export {
  measureTable1,
  type Table1Options,
  type Table1Report,
  type Table1Row,
  type Table1Stream,
} from "./table-1/table-1.ts";
export { LabError, type LabErrorCode } from "./errors.ts";
