/** The storage server: verify, open, re-seal, store, check role, audit, serve. */
export { ApiClient, type ObservationsWish, type PatientSummary, type SamplesAnswer } from "./client/api-client.ts";
export { OperatorClient, OperatorRefusal } from "./client/operator-client.ts";
export { countAuditEntries } from "./catalog/sqlite/sqlite-catalog.ts";
export { keyFolderPaths, SERVER_DEFAULTS, type ServerConfig } from "./config.ts";
export { systemEnvironment, type ServerContext, type ServerEnvironment } from "./context.ts";
export type { RepairState } from "./control/repairer.ts";
export type { ScrubReport, ScrubState } from "./control/scrubber.ts";
export type { VolumeDescription } from "./control/volume-states.ts";
export { codeOf, ServerError, type ServerErrorCode } from "./errors.ts";
export { HTTP_STATUS_OF_CODE } from "./http/problems.ts";
export type { UploadClient } from "./http/routes-messages.ts";
export { startServer, type RunningServer } from "./main.ts";
export { describeKeyLife, type KeyLifeDescription } from "./keys/key-life.ts";
export type { RecordingDescription } from "./retrieval/describe.ts";
export type { DescribedObservation, ObservationPage } from "./retrieval/observations.ts";
export { configOf, defaultSettings, findSettings, writeSettings, type ServerSettings } from "./settings.ts";
