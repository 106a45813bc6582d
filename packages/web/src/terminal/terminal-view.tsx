/** View of `/terminals/:serial`: the life of one terminal's keys. */
import { useCallback } from "react";
import type { ReactNode } from "react";
import { KEY_COUNT } from "../api/key-life.ts";
import type { KeyLife } from "../api/key-life.ts";
import { agoText, dateText, wallClockText } from "../format/time.ts";
import { groupedText, keyUseText } from "../format/key-words.ts";
import { useServices } from "../services.ts";
import { Failure, Loading } from "../views/notice.tsx";
import { useResource } from "../views/use-resource.ts";
import { Alarms } from "./alarms.tsx";
import { Changes } from "./changes.tsx";

/** How often the page asks again while it is looked at. */
const REFRESH_MS = 10_000;

/** One terminal, or why it cannot be shown. */
export function TerminalView({ serial }: { readonly serial: string }): ReactNode {
  const { api } = useServices();
  const life = useResource(
    useCallback((signal: AbortSignal) => api.keyLife(serial, signal), [api, serial]),
    REFRESH_MS,
  );
  return (
    <div className="terminal-page" data-testid="terminal-page">
      <header>
        <h1>Terminal {serial}</h1>
        <p className="terminal-about">
          {KEY_COUNT} keys, counted from 0, were written into it at the factory. Each seals so many segments, then the
          next one follows.
        </p>
      </header>
      {life.error !== undefined && <Failure error={life.error} onRetry={life.reload} />}
      {life.value === undefined && life.error === undefined && <Loading what="the terminal" />}
      {life.value !== undefined && <Life life={life.value} />}
    </div>
  );
}

function Life({ life }: { readonly life: KeyLife }): ReactNode {
  return (
    <>
      <Alarms alarms={life.alarms} />
      <section className="terminal-card" aria-label="Keys">
        <h2>Keys</h2>
        <Progress life={life} />
        <Facts life={life} />
      </section>
      <Changes changes={life.changes} />
    </>
  );
}

/** Keys as a row of marks: used up, in use, unused. */
function Progress({ life: { next } }: { readonly life: KeyLife }): ReactNode {
  const current = next?.index ?? 0;
  const said = next === null ? "No key was used yet" : `Key ${current} of 0 to ${KEY_COUNT - 1} is in use`;
  return (
    <div className="key-row" role="img" aria-label={said} data-testid="key-row">
      {Array.from({ length: KEY_COUNT }, (_, index) => (
        <span key={index} data-state={index < current ? "used" : index === current && next ? "current" : "unused"} />
      ))}
    </div>
  );
}

function Facts({ life }: { readonly life: KeyLife }): ReactNode {
  const { nowUnixMs } = useServices();
  const { next, seenAtUnixMs, maximum, version, usesPerDay, keysEndAtUnixMs, usedCount } = life;
  return (
    <dl className="terminal-facts">
      <Fact name="Next use" testId="next-use">
        {next === null ? "not seen yet" : keyUseText(next)}
      </Fact>
      <Fact name="Uses of one key" testId="maximum">
        {groupedText(maximum)} at most {version === 0 ? "(as deployed)" : `(change ${version})`}
      </Fact>
      <Fact name="Used so far">{groupedText(usedCount)}</Fact>
      <Fact name="Pace">{usesPerDay === null ? "known after a week" : `${groupedText(usesPerDay)} uses a day`}</Fact>
      <Fact name="Keys end" testId="keys-end">
        {keysEndAtUnixMs === null ? "not known yet" : `about ${dateText(keysEndAtUnixMs)}, then they begin again`}
      </Fact>
      <Fact name="Last seen">
        {seenAtUnixMs === null ? (
          "never"
        ) : (
          <span title={wallClockText(seenAtUnixMs)}>{agoText(nowUnixMs(), seenAtUnixMs)}</span>
        )}
      </Fact>
    </dl>
  );
}

function Fact({
  name,
  testId,
  children,
}: {
  readonly name: string;
  readonly testId?: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-testid={testId}>{children}</dd>
    </div>
  );
}
