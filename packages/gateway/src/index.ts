/** A relay for sealed messages: takes them in, keeps them on disk, passes them on. It can open and sign nothing. */
export { readAddress, type GatewayAddress } from "./address-file.ts";
export type { Clock } from "./clock.ts";
export { readGatewayConfig, type ClientConfig, type GatewayConfig } from "./config.ts";
export type { GatewaySettings, UpstreamConfig } from "./config.ts";
export type { GatewayOverrides } from "./context.ts";
export { GatewayError, type GatewayErrorCode } from "./errors.ts";
export type { LogSettings } from "./http-server.ts";
export { startGateway, type RunningGateway } from "./main.ts";
export type { GatewayStats } from "./stats.ts";
export type { FailoverTimes, Reach } from "./upstream-link.ts";
export type { SendOptions, Upstream, UpstreamAnswer, UpstreamLater } from "./upstream.ts";
