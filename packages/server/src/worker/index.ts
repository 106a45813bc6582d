/** The face of the worker: apart from the server's, so that a worker loads nothing that opens what it carries. */
export { startWorker, type RunningWorker, type WorkerEnvironment } from "./worker.ts";
export { readWorkerConfig, type WorkerConfig } from "./worker-config.ts";
