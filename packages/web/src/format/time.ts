/** Times in words and digits. Wall-clock times are in the reader's zone, which is named. */
import type { TimeCertainty } from "../api/observations.ts";
import type { Recording, StartCertainty } from "../api/types.ts";

const SECOND_MS = 1000;

/** Elapsed time `h:mm:ss`, or `h:mm:ss.d` when `decimals` is 1. Negative values keep their sign. */
export function elapsedText(seconds: number, decimals: 0 | 1 = 0): string {
  const unit = decimals === 1 ? 10 : 1;
  const whole = Math.round(Math.abs(seconds) * unit);
  const [h, m, s] = [
    Math.floor(whole / unit / 3600),
    Math.floor(whole / unit / 60) % 60,
    Math.floor(whole / unit) % 60,
  ];
  const fraction = decimals === 1 ? `.${whole % unit}` : "";
  const sign = seconds < 0 && whole > 0 ? "\u2212" : "";
  return `${sign}${h}:${twoDigits(m)}:${twoDigits(s)}${fraction}`;
}

/** Length in words of a list: `42 s`, `5 min 12 s`, `24 h 00 min`. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${twoDigits(Math.floor(whole / 60) % 60)} min`;
}

/** A round length: `30 s`, `2 min`, `6 h`, `2 days`. */
export function lengthText(lengthMs: number): string {
  if (lengthMs < 60_000) return `${lengthMs / SECOND_MS} s`;
  if (lengthMs < 3_600_000) return `${lengthMs / 60_000} min`;
  if (lengthMs < 86_400_000) return `${lengthMs / 3_600_000} h`;
  return lengthMs === 86_400_000 ? "1 day" : `${lengthMs / 86_400_000} days`;
}

/** How long ago: `just now`, `3 min ago`, `2 h ago`, `5 days ago`. Times ahead count as now. */
export function agoText(nowUnixMs: number, thenUnixMs: number): string {
  const seconds = Math.max(0, (nowUnixMs - thenUnixMs) / SECOND_MS);
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  const days = Math.round(seconds / 86_400);
  return days === 1 ? "yesterday" : `${days} days ago`;
}

/** Date, time to the second and zone: `Fri 20 Nov 2026, 10:55:12 UTC+1`. @param timeZone IANA name; the reader's by default. */
export function wallClockText(unixMs: number, timeZone?: string): string {
  return `${dateText(unixMs, timeZone)}, ${clockText(unixMs, timeZone)} ${zoneText(unixMs, timeZone)}`;
}

/** `Fri 20 Nov 2026`. */
export function dateText(unixMs: number, timeZone?: string): string {
  const options = { weekday: "short", day: "numeric", month: "short", year: "numeric" } as const;
  return format(unixMs, { ...options, ...zoned(timeZone) }).replace(",", "");
}

/** `10:55:12`. */
export function clockText(unixMs: number, timeZone?: string): string {
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  return format(unixMs, { ...options, ...zoned(timeZone) });
}

/** Offset from UTC at that moment: `UTC`, `UTC+1`, `UTC+5:30`. */
export function zoneText(unixMs: number, timeZone?: string): string {
  const formatter = new Intl.DateTimeFormat("en-GB", { timeZoneName: "shortOffset", ...zoned(timeZone) });
  const part = formatter.formatToParts(unixMs).find(({ type }) => type === "timeZoneName");
  return (part?.value ?? "").replace("GMT", "UTC").replace(/\+0$/u, "");
}

/** UTC ms of a frame, or undefined when the start is unknown. */
export function unixMsOfSeconds(recording: Pick<Recording, "start">, seconds: number): number | undefined {
  const { unixMs, certainty } = recording.start;
  return unixMs === null || certainty === "unknown" ? undefined : unixMs + seconds * SECOND_MS;
}

/** One word for a start's certainty, beside a time. */
export const CERTAINTY_WORD: Readonly<Record<StartCertainty, string>> = {
  measured: "measured",
  claimed: "claimed by the terminal",
  unknown: "time unknown",
};

/** What a start's certainty means, in a sentence. */
export const CERTAINTY_SENTENCE: Readonly<Record<StartCertainty, string>> = {
  measured: "The start was measured against the server's clock.",
  claimed: "The start is what the terminal's own clock said. Nothing has verified it.",
  unknown: "No clock time is known for this recording; times count from its first sample.",
};

/** Whose word the time of a value is, beside it. */
export const OBSERVED_CERTAINTY_WORD: Readonly<Record<TimeCertainty, string>> = {
  device: "device's clock",
  measured: "measured",
  claimed: "claimed by the terminal",
  unknown: "time unknown",
};

/** What that means, in a sentence. */
export const OBSERVED_CERTAINTY_SENTENCE: Readonly<Record<TimeCertainty, string>> = {
  device: "The device said when it measured. Nothing has verified its clock.",
  measured: "When the value came to the terminal, by the server's clock.",
  claimed: "When the value came to the terminal, by the terminal's own clock. Nothing has verified it.",
  unknown: "No clock time is known for this value.",
};

function zoned(timeZone: string | undefined): Intl.DateTimeFormatOptions {
  return timeZone === undefined ? {} : { timeZone };
}

function format(unixMs: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-GB", options).format(unixMs);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
