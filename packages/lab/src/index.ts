/** The lab: demo, experiments, benchmarks. It may import anything; only the command line imports it, when asked. */
export { benchIngest, type IngestOptions, type IngestProgress, type IngestReport } from "./bench/ingest.ts";
export { carryOnce, type OnceOptions, type OnceReport } from "./demo/once.ts";
export { runDemo, type DemoOptions, type RunningDemo } from "./demo/run.ts";
export { LabError, type LabErrorCode } from "./errors.ts";
