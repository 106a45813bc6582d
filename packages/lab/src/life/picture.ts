/** A life as a picture: key index over the years, with everything that befell the terminal. SVG, readable without colours. */
import { KEYS_PER_BLOCK } from "@pericard/protocol";
import { isWrong } from "./clock.ts";
import { PHASES } from "./pace.ts";
import { YEAR_MS, type LifeEvent } from "./plan.ts";
import type { LifePoint, LivedLife } from "./report.ts";

const WIDTH = 1240;
const HEIGHT = 760;
const PLOT = { left: 110, top: 84, width: 1100, height: 470 } as const;
const BOTTOM = PLOT.top + PLOT.height;
/** Strips below the plot, one for each kind of event. */
const STRIP = { first: BOTTOM + 46, step: 24, height: 14 } as const;

const INK = {
  text: "#222",
  faint: "#ddd",
  key: "#0b5394",
  month: "#c9a227",
  change: "#38761d",
  bad: "#b00020",
} as const;

/** Pixels of times and of key indices. */
interface Scale {
  x(atMs: number): string;
  y(index: number): string;
}

/** Draws a life. */
export function drawLife(life: LivedLife): string {
  const end = life.events.at(-1)?.atMs ?? 1;
  const scale: Scale = {
    x: (atMs) => (PLOT.left + (PLOT.width * atMs) / end).toFixed(1),
    y: (index) => (BOTTOM - (PLOT.height * index) / KEYS_PER_BLOCK).toFixed(1),
  };
  const parts = [
    heading(life),
    ...axes(scale, end),
    ...phases(scale, end),
    ...monthDots(scale, life.points),
    ...keyLines(scale, life.points),
    ...restoreLines(scale, life.events),
    ...changeMarks(scale, life),
    ...strips(scale, life),
    ...legend(),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`,
    ` font-family="sans-serif" font-size="12" fill="${INK.text}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

const text = (x: number | string, y: number | string, content: string, more = ""): string =>
  `<text x="${x}" y="${y}" ${more}>${content}</text>`;

const line = (x1: string, y1: string, x2: string, y2: string, more: string): string =>
  `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${more}/>`;

function heading({ report }: LivedLife): string {
  const { years, seed, uses, keysUsed, cycles, changes, crashes, restores, repeatedKeyNonces } = report;
  const figures = [
    `${(uses / 1e6).toFixed(1)} million uses`,
    `${keysUsed} keys`,
    `${cycles} cycles gone through`,
    `${changes} changes of the maximum`,
    `${crashes} power cuts`,
    `${restores} copies put back`,
    `${repeatedKeyNonces} keys and nonces repeated`,
  ];
  const title = `A terminal's keys over ${years} years (seed ${seed})`;
  return [text(PLOT.left, 28, title, 'font-size="18"'), text(PLOT.left, 50, figures.join(" · "))].join("\n");
}

function axes(scale: Scale, endMs: number): readonly string[] {
  const stepMs = endMs > 2 * YEAR_MS ? YEAR_MS : endMs / 10;
  const years = Array.from({ length: Math.floor(endMs / stepMs + 0.01) + 1 }, (_, i) => i * stepMs);
  const keys = [0, 20, 40, 60, 80, 100, KEYS_PER_BLOCK];
  const [left, right] = [PLOT.left.toFixed(1), (PLOT.left + PLOT.width).toFixed(1)];
  return [
    ...keys.flatMap((key) => [
      line(left, scale.y(key), right, scale.y(key), `stroke="${INK.faint}"`),
      text(PLOT.left - 8, Number(scale.y(key)) + 4, String(key), 'text-anchor="end"'),
    ]),
    ...years.flatMap((atMs) => [
      line(scale.x(atMs), scale.y(0), scale.x(atMs), String(BOTTOM + 5), `stroke="${INK.text}"`),
      text(scale.x(atMs), BOTTOM + 18, `${Number((atMs / YEAR_MS).toFixed(2))}`, 'text-anchor="middle"'),
    ]),
    line(left, scale.y(0), right, scale.y(0), `stroke="${INK.text}"`),
    line(left, scale.y(0), left, scale.y(KEYS_PER_BLOCK), `stroke="${INK.text}"`),
    text(0, 0, "key index", `text-anchor="middle" transform="translate(60 ${PLOT.top + PLOT.height / 2}) rotate(-90)"`),
    text(PLOT.left + PLOT.width, BOTTOM + 34, "years since deployment", 'text-anchor="end"'),
  ];
}

/** What is recorded, above the plot. */
function phases(scale: Scale, endMs: number): readonly string[] {
  let share = 0;
  return PHASES.flatMap(({ share: part, name }) => {
    const [from, to] = [share * endMs, (share + part) * endMs];
    share += part;
    const middle = scale.x((from + to) / 2);
    return [
      line(
        scale.x(from),
        String(PLOT.top - 12),
        scale.x(from),
        String(BOTTOM),
        `stroke="${INK.faint}" stroke-dasharray="2 3"`,
      ),
      text(middle, PLOT.top - 8, name, 'text-anchor="middle" font-size="11"'),
    ];
  });
}

/** Where the line of the key in use goes on; a new cycle, and a copy that was put back, begin a new one. */
function keyLines(scale: Scale, points: readonly LifePoint[]): readonly string[] {
  const lines: LifePoint[][] = [];
  for (const point of points) {
    const last = lines.at(-1)?.at(-1);
    const isOn = last && (point.cycle > last.cycle ? false : point.index >= last.index);
    if (isOn) lines.at(-1)?.push(point);
    else lines.push([point]);
  }
  const cycles = lines.slice(1).flatMap(([first], i) => {
    const before = lines[i]?.at(-1);
    if (!first || !before || first.cycle <= before.cycle) return [];
    const x = scale.x(first.atMs);
    return [
      line(x, String(PLOT.top), x, String(BOTTOM), `stroke="${INK.key}" stroke-width="2" stroke-dasharray="8 4"`),
      text(Number(x) + 4, PLOT.top + 14, `cycle ${first.cycle}`, `fill="${INK.key}"`),
    ];
  });
  return [
    ...lines.map((all) => `<path d="${steps(scale, all)}" fill="none" stroke="${INK.key}" stroke-width="2.5"/>`),
    ...cycles,
  ];
}

/** Only where the key changes, and at the end: a life has thousands of points. */
function steps(scale: Scale, points: readonly LifePoint[]): string {
  const turns = points.filter((point, i) => i === 0 || i === points.length - 1 || point.index !== points[i - 1]?.index);
  return turns
    .map(({ atMs, index }, i) =>
      i === 0 ? `M${scale.x(atMs)} ${scale.y(index)}` : `H${scale.x(atMs)}V${scale.y(index)}`,
    )
    .join("");
}

/** The key that the month by the terminal's clock names, beside it. */
function monthDots(scale: Scale, points: readonly LifePoint[]): readonly string[] {
  const every = Math.max(1, Math.floor(points.length / 700));
  return points
    .filter((_, i) => i % every === 0)
    .map(
      ({ atMs, monthKey }) => `<circle cx="${scale.x(atMs)}" cy="${scale.y(monthKey)}" r="1.6" fill="${INK.month}"/>`,
    );
}

function restoreLines(scale: Scale, events: readonly LifeEvent[]): readonly string[] {
  return events
    .filter(({ kind }) => kind === "restore")
    .map(({ atMs }) => {
      const x = scale.x(atMs);
      return line(x, String(PLOT.top), x, String(BOTTOM), `stroke="${INK.bad}" stroke-dasharray="5 3"`);
    });
}

/** A triangle on the line where another maximum was taken. */
function changeMarks(scale: Scale, { changesAtMs, points }: LivedLife): readonly string[] {
  return changesAtMs.map((atMs) => {
    const point = points.find((one) => one.atMs >= atMs) ?? points.at(-1);
    return triangle(Number(scale.x(atMs)), Number(scale.y(point?.index ?? 0)) - 4);
  });
}

const triangle = (x: number, y: number): string =>
  `<path d="M${x} ${y}l-5 -10h10z" fill="${INK.change}" stroke="#fff" stroke-width="0.7"/>`;

/** Crashes, wrong clocks, times without network, restarts of the server. */
function strips(scale: Scale, life: LivedLife): readonly string[] {
  const { events, crashesAtMs } = life;
  const restarts = events.filter(({ kind }) => kind === "server restart").map(({ atMs }) => atMs);
  return [
    ...strip(scale, 0, "power cuts", ticks(crashesAtMs), INK.text),
    ...strip(scale, 1, "no network", spans(events, networkOf), INK.bad),
    ...strip(scale, 2, "clock wrong", spans(events, clockOf), INK.month),
    ...strip(scale, 3, "server restarts", ticks(restarts), INK.key),
  ];
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const ticks = (times: readonly number[]): readonly Span[] => times.map((atMs) => ({ fromMs: atMs, toMs: atMs }));

function strip(scale: Scale, row: number, name: string, marks: readonly Span[], ink: string): readonly string[] {
  const y = STRIP.first + row * STRIP.step;
  return [
    `<rect x="${PLOT.left}" y="${y}" width="${PLOT.width}" height="${STRIP.height}" fill="#f4f4f4"/>`,
    text(PLOT.left - 4, y + 11, name, 'text-anchor="end" font-size="10"'),
    ...marks.map(({ fromMs, toMs }) => {
      const width = Math.max(1.2, Number(scale.x(toMs)) - Number(scale.x(fromMs)));
      return `<rect x="${scale.x(fromMs)}" y="${y}" width="${width.toFixed(1)}" height="${STRIP.height}" fill="${ink}"/>`;
    }),
  ];
}

/** Whether an event begins a bad time (true), ends one (false), or says nothing of it. */
type Turn = (event: LifeEvent) => boolean | undefined;

const networkOf: Turn = (event) => (event.kind === "network" ? event.state === "down" : undefined);
const clockOf: Turn = (event) => (event.kind === "clock" ? isWrong(event.clock) : undefined);

function spans(events: readonly LifeEvent[], turn: Turn): readonly Span[] {
  const found: Span[] = [];
  let fromMs: number | undefined;
  for (const event of events) {
    const begins = turn(event);
    if (begins === true) fromMs ??= event.atMs;
    if (begins !== false || fromMs === undefined) continue;
    found.push({ fromMs, toMs: event.atMs });
    fromMs = undefined;
  }
  return fromMs === undefined ? found : [...found, { fromMs, toMs: events.at(-1)?.atMs ?? fromMs }];
}

function legend(): readonly string[] {
  const [left, right] = [PLOT.left, PLOT.left + 400];
  const [above, below] = [HEIGHT - 44, HEIGHT - 18];
  return [
    line(String(left), String(above), String(left + 26), String(above), `stroke="${INK.key}" stroke-width="2.5"`),
    text(left + 34, above + 4, "key in use (by use count)"),
    triangle(left + 14, below + 5),
    text(left + 34, below + 4, "another maximum use count taken"),
    line(
      String(right + 14),
      String(above - 9),
      String(right + 14),
      String(above + 7),
      `stroke="${INK.bad}" stroke-dasharray="5 3"`,
    ),
    text(right + 28, above + 4, "older copy of the terminal put back"),
    `<circle cx="${right + 14}" cy="${below}" r="2.5" fill="${INK.month}"/>`,
    text(right + 28, below + 4, "beside it, the paper's rule: key of the month by the terminal's clock"),
  ];
}
