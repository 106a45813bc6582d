/** The storage server: verify, open, re-seal, store, check role, audit, serve. */
export { SESSION_LIFETIME_MS } from "./access/sessions.ts";
export { defaultVolumePaths, keyFolderPaths, SERVER_DEFAULTS, type ServerConfig } from "./config.ts";
export { systemEnvironment, type ServerContext, type ServerEnvironment } from "./context.ts";
export { codeOf, ServerError, type ServerErrorCode } from "./errors.ts";
export { HTTP_STATUS_OF_CODE } from "./http/problems.ts";
export type { UploadClient } from "./http/routes-messages.ts";
export { startServer, type RunningServer } from "./main.ts";
