/** The terminal SDK: sources, recorder, journal, uploader. Seals before anything touches the disk or the network. */
export { Bridge, INPUT_BYTES_MAX, OBSERVATIONS_TOPIC, type BridgeCounts, type SensorInput } from "./bridge/bridge.ts";
export { parseExactJson } from "./bridge/exact-json.ts";
export type { ListenAddress, OpenWay } from "./bridge/listen.ts";
export { listenHttp } from "./bridge/listen-http.ts";
export { listenMqtt } from "./bridge/listen-mqtt.ts";
export { readMapping, type MappingRule } from "./bridge/mapping.ts";
export type { RefusedInput } from "./bridge/refused-log.ts";
export { runBridge, type BridgeOptions } from "./bridge/run-bridge.ts";
export { tokenCheck, type TokenCheck } from "./bridge/sensor-token.ts";
export { subscribeMqtt, type BrokerAddress, type BrokerListener } from "./bridge/subscribe-mqtt.ts";
export * from "./clock.ts";
export * from "./clock-system.ts";
export { SEGMENT_LENGTH_MS } from "./commands.ts";
export * from "./errors.ts";
export * from "./events.ts";
export {
  NOTHING_FETCHED,
  type FetchBackClient,
  type FetchedSegment,
  type FetchedSoFar,
} from "./fetch-back/fetch-back.ts";
export * from "./open-terminal.ts";
export type { TakenObservation } from "./observe/observation-recorder.ts";
export type { RecordReport } from "./record/recorder.ts";
export * from "./sources/source.ts";
export { JOURNAL_LIMIT_BYTES, type TerminalPorts, type TerminalProfile } from "./terminal-parts.ts";
export type { TerminalStatus } from "./terminal-status.ts";
export { Terminal, type RecordOptions, type TakeObservations, type TerminalReport } from "./terminal.ts";
export { Answers } from "./upload/answers.ts";
export { takeKeyChange, type KeyChangeParts } from "./upload/key-change-actions.ts";
export * from "./upload/transport.ts";
export * from "./upload/target-list.ts";
export * from "./upload/way.ts";
export * from "./upload/way-http.ts";
export * from "./upload/way-mqtt.ts";
export * from "./small-heap.ts";
export * from "./sources/again.ts";
export * from "./sources/public-test-data.ts";
export * from "./sources/stream-source.ts";
export * from "./sources/synthetic-source.ts";
export * from "./sources/wfdb-source.ts";
