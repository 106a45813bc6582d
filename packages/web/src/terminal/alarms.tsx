/** What is wrong with a terminal's keys, above everything else. */
import type { ReactNode } from "react";
import type { KeyAlarm } from "../api/key-life.ts";
import { alarmText } from "../format/key-words.ts";
import { wallClockText } from "../format/time.ts";

/** Alarms, newest first; nothing without one. */
export function Alarms({ alarms }: { readonly alarms: readonly KeyAlarm[] }): ReactNode {
  if (alarms.length === 0) return null;
  return (
    <section className="terminal-card key-alarms" role="alert" data-testid="key-alarms">
      <h2>This terminal may have been restored from a copy</h2>
      <p>Its data stays sealed: every message has a key of its own. Find out who restored it, and why.</p>
      <ul>
        {alarms.toReversed().map((alarm) => (
          <li key={`${alarm.atUnixMs} ${alarm.kind}`}>
            <strong>{alarmText(alarm)}</strong>
            <span>{alarm.detail}</span>
            <time>{wallClockText(alarm.atUnixMs)}</time>
          </li>
        ))}
      </ul>
    </section>
  );
}
