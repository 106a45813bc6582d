/** Bounds of a gateway that are not configured. Source: docs/operating/gateway.md. */
import type { FailoverTimes } from "./upstream-link.ts";

/** Bytes that a spool may take on disk when the configuration does not say. */
export const SPOOL_BYTES_DEFAULT = 2 * 1024 ** 3;

/** Items that wait at once, so that their places in memory stay within about 300 MB. */
export const SPOOL_ITEMS_MAX = 1_000_000;

/** Bytes of request bodies that are in memory at once, over all clients. */
export const INTAKE_BYTES_MAX = 256 * 1024 * 1024;

/** Statuses that wait for their answer at once. */
export const POLLS_MAX = 4096;

/** Requests for streams that wait for their answer at once: each answer is half a megabyte. */
export const REQUESTS_MAX = 64;

/** Requests to the upstream that carry spooled items at once; one at most for each routing id. */
export const FORWARD_CONCURRENCY = 8;

/** Items younger than this are fresh: half of the uplink is theirs. */
export const FRESH_MS = 60_000;

/** Shortest and longest pause after failures, and the longest that an upstream's Retry-After may ask for. */
export const RETRY_MS_MIN = 500;
export const RETRY_MS_MAX = 30_000;
export const RETRY_AFTER_MS_MAX = 300_000;

/** Upstreams in one list, at most. */
export const UPSTREAMS_MAX = 8;

/** When a gateway with several upstreams leaves one and comes back. */
export const FAILOVER_TIMES: FailoverTimes = {
  failingMs: 3000,
  cutOffMs: 30_000,
  returnMs: 30_000,
  returnMsMax: 600_000,
  probeMs: 5000,
};

/** For the answer to a probe. */
export const PROBE_TIMEOUT_MS = 5000;

/** After a disk failure the spool refuses for this long before it tries the disk again. */
export const DISK_RETRY_MS = 1000;

/** What a closing gateway gives requests from clients, and then those to the upstream, before it breaks them off. */
export const CLOSE_GRACE_MS = 5000;

/** Connections by MQTT at once, of all clients and of one; and subscriptions of one connection. */
export const MQTT_CONNECTIONS_MAX = 4096;
export const MQTT_CONNECTIONS_PER_CLIENT_MAX = 1024;
export const MQTT_SUBSCRIPTIONS_MAX = 1024;

/** For CONNECT to come after a connection was made; for a packet to be whole after it has begun, as for a request. */
export const MQTT_CONNECT_MS = 10_000;
export const MQTT_PACKET_MS = 300_000;

/** Mail that is mirrored over all mailboxes. One mailbox holds one answer's worth. */
export const MIRROR_BYTES_MAX = 64 * 1024 * 1024;
export const MIRROR_BOXES_MAX = 10_000;
