/**
 * What terminals, gateways and servers agree on about HTTP.
 *
 * Source: docs/format.md §9; RFC 9457.
 */

/** A terminal posts envelopes, gaps and statuses here, at a gateway and at a server alike. */
export const UPLOAD_PATH = "/v1/messages";

/** Media type of signed messages. Source: RFC 9052 §11.3. */
export const SIGNED_MEDIA_TYPE = 'application/cose; cose-type="cose-sign1"';

/** Media type of mail. */
export const MAIL_MEDIA_TYPE = "application/cbor";

/** Media type of refusals. */
export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** Query parameter of a status: seconds for which the answer may wait for mail, 0 to 30. */
export const WAIT_PARAMETER = "waitSeconds";
export const WAIT_SECONDS_MAX = 30;

/** Header of a gateway's answer, with this value while it cannot pass anything on: what it takes waits in its spool. */
export const UPSTREAM_HEADER = "pericard-upstream";
export const UPSTREAM_UNREACHABLE = "unreachable";

/** Where gateways and servers say how they are. */
export const HEALTH_PATH = "/healthz";

/** A refusal. It never makes a terminal delete, renumber, re-key or skip anything: only signed statements do. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** An error code of docs/errors.md. */
  readonly code: string;
  readonly detail?: string;
}

/** A refusal as the JSON that is sent. `title` is the same for every refusal of one code. */
export function problem(status: number, code: string, title: string, detail?: string): Problem {
  const type = `urn:pericard:error:${code}`;
  return detail === undefined ? { type, title, status, code } : { type, title, status, code, detail };
}
