/** What went wrong in a gateway. docs/errors.md lists each; refusals.ts says which HTTP status a client gets. */
export type GatewayErrorCode =
  | "ERR_GATEWAY_CONFIG"
  | "ERR_GATEWAY_LISTEN"
  | "ERR_GATEWAY_BUSY"
  | "ERR_CLIENT_UNKNOWN"
  | "ERR_CLIENT_QUOTA"
  | "ERR_ROUTING_FOREIGN"
  | "ERR_MQTT_TOPIC"
  | "ERR_MQTT_QOS"
  | "ERR_BODY_TOO_LARGE"
  | "ERR_MEDIA_TYPE"
  | "ERR_ROUTING_MISMATCH"
  | "ERR_WAIT_RANGE"
  | "ERR_PATH_UNKNOWN"
  | "ERR_SPOOL_FULL"
  | "ERR_SPOOL_DISK_FULL"
  | "ERR_SPOOL_DISK";

const RETRYABLE: ReadonlySet<GatewayErrorCode> = new Set<GatewayErrorCode>([
  "ERR_GATEWAY_BUSY",
  "ERR_CLIENT_QUOTA",
  "ERR_SPOOL_FULL",
  "ERR_SPOOL_DISK_FULL",
  "ERR_SPOOL_DISK",
]);

/** Thrown by this package. `retryable`: the same call may succeed later without a change by anyone. */
export class GatewayError extends Error {
  readonly code: GatewayErrorCode;
  readonly retryable: boolean;

  constructor(code: GatewayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GatewayError";
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}
