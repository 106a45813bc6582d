/** From a target's address to the way there. */
import type { UploadTarget } from "@pericard/trsm";
import type { Clock } from "../clock.ts";
import { TargetList } from "./target-list.ts";
import type { Transport, Way, WayOptions } from "./transport.ts";
import { createHttpWay } from "./way-http.ts";
import { createMqttWay } from "./way-mqtt.ts";

function createWay(target: UploadTarget, options: WayOptions): Way {
  return /^mqtts?:/.test(target.url) ? createMqttWay(target, options) : createHttpWay(target, options);
}

/** Makes the way to a terminal's targets. @throws {TerminalError} ERR_UPLOAD_NO_TARGET when the list is empty. */
export function createTransport(targets: readonly UploadTarget[], clock: Clock, options: WayOptions = {}): Transport {
  return new TargetList(targets, (target) => createWay(target, options), clock);
}
