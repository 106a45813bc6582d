/** How long to wait after failures. Source: RFC 9110 §10.2.3 (Retry-After). */
import { RETRY_AFTER_MS_MAX, RETRY_MS_MAX, RETRY_MS_MIN } from "./limits.ts";

/** Gives numbers from 0 up to 1. For jitter alone, so it need not be unpredictable. */
export type Jitter = () => number;

/**
 * Milliseconds to wait after the given number of failures in a row, from 1: doubling from 0.5 s to 30 s, of which a
 * random half is taken off; never less than what the upstream asked for.
 */
export function retryDelayMs(failureCount: number, jitter: Jitter, retryAfterMs = 0): number {
  const fullMs = Math.min(RETRY_MS_MIN * 2 ** Math.max(0, failureCount - 1), RETRY_MS_MAX);
  return Math.max(fullMs * (0.5 + 0.5 * jitter()), Math.min(retryAfterMs, RETRY_AFTER_MS_MAX));
}

/** Milliseconds that a Retry-After header asks for, in seconds or as a date; 0 when it says nothing useful. */
export function readRetryAfterMs(header: string | undefined, nowUnixMs: number): number {
  if (header === undefined) return 0;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const atUnixMs = Date.parse(header);
  return Number.isNaN(atUnixMs) ? 0 : Math.max(0, atUnixMs - nowUnixMs);
}
