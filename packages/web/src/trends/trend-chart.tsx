/** One chart: its name, what is read at the pointer, the canvas, and what is suspect in it. */
import { useLayoutEffect, useMemo, useRef } from "react";
import type { KeyboardEvent, PointerEvent, ReactNode } from "react";
import { drawTrend } from "../draw/trend.ts";
import { unitText } from "../format/unit.ts";
import { countText } from "../format/words.ts";
import { useDevicePixelRatio, useElementSize, usePrinting } from "../recording/use-screen.ts";
import { Link } from "../router/navigation.tsx";
import { codesText, countValues } from "./charts.ts";
import type { TrendChart } from "./charts.ts";
import { momentsOf, nearestMoment } from "./moments.ts";
import type { Moment } from "./moments.ts";
import { newestReadingOf, readingOf, readingText } from "./reading.ts";
import type { Reading } from "./reading.ts";
import type { TimeWindow } from "./time-range.ts";
import { timeAtX, trendMapping } from "./trend-mapping.ts";
import type { TrendMapping } from "./trend-mapping.ts";
import { valueScaleOf } from "./value-scale.ts";

/** Props of {@link TrendChartView}; the chart has at least one value. */
export interface TrendChartProps {
  readonly chart: TrendChart;
  readonly window: TimeWindow;
  readonly bucketMs: number;
  /** Time that is pointed at on any chart of the page. */
  readonly cursorUnixMs: number | undefined;
  readonly onCursor: (unixMs: number | undefined) => void;
  readonly tablePath: string;
}

const HEIGHT_PX = 148;
const PRINT_WIDTH_PX = 960;
const PRINT_PIXEL_RATIO = 3;
/** How near a value must be to the time that another chart is read at, CSS px. */
const REACH_PX = 8;

/** Chart and reading. It is a slider over its values for keyboards and screen readers; its table is beside its name. */
export function TrendChartView(props: TrendChartProps): ReactNode {
  const { chart, window, bucketMs, cursorUnixMs, onCursor } = props;
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { widthPx, devicePixelRatio } = useChartSize(frame);
  const moments = useMemo(() => momentsOf(chart, bucketMs), [chart, bucketMs]);
  const scale = useMemo(() => valueScaleOf(chart), [chart]);
  const mapping = trendMapping(window, scale, { widthPx, heightPx: HEIGHT_PX });
  const index = indexAt(moments, cursorUnixMs, mapping);
  const selected = index === undefined ? undefined : moments[index];
  useLayoutEffect(() => {
    if (canvas.current === null || widthPx === 0) return;
    const size = { widthPx, heightPx: HEIGHT_PX, devicePixelRatio };
    drawTrend(canvas.current, { chart, moments, window, scale, bucketMs, ...size, cursorUnixMs, selected });
  }, [chart, moments, window, scale, bucketMs, widthPx, devicePixelRatio, cursorUnixMs, selected]);
  const newest = moments.at(-1);
  const reading = selected ? readingOf(selected, chart, bucketMs) : newest && newestReadingOf(newest, chart, bucketMs);
  return (
    <section className="trend" aria-label={chart.title} data-testid="trend" data-key={chart.key}>
      <TrendHead {...props} reading={reading} isPointed={selected !== undefined} />
      <div
        ref={frame}
        className="trend-canvas"
        role="slider"
        tabIndex={0}
        aria-label={`${chart.title}, ${unitText(chart.unit)}. Arrow keys go from value to value.`}
        aria-valuemin={1}
        aria-valuemax={moments.length}
        aria-valuenow={(index ?? moments.length - 1) + 1}
        aria-valuetext={reading && readingText(reading)}
        data-testid="trend-slider"
        onKeyDown={(event) => {
          if (event.key === "Escape") onCursor(undefined);
          const next = indexOfKey(event, index, moments.length);
          if (next !== undefined) onCursor(moments[next]?.unixMs);
        }}
        {...pointerListeners(mapping, moments, onCursor)}
      >
        <canvas ref={canvas} aria-hidden="true" data-testid="trend-canvas" />
      </div>
      <Suspects moments={moments} />
    </section>
  );
}

function TrendHead({
  chart,
  tablePath,
  reading,
  isPointed,
}: TrendChartProps & { readonly reading: Reading | undefined; readonly isPointed: boolean }): ReactNode {
  return (
    <div className="trend-head">
      <h2>
        {chart.title} <span className="trend-unit">{unitText(chart.unit)}</span>
      </h2>
      <span className="trend-code" title={codesText(chart)}>
        {codesText(chart)}
      </span>
      <Link to={tablePath} className="trend-table" testId="trend-table">
        Table<span className="visually-hidden"> of {chart.title}</span>
      </Link>
      {reading !== undefined && (
        <output className="trend-reading" data-pointed={isPointed} data-testid="trend-reading">
          <strong className={reading.suspect ? "suspect" : undefined}>{reading.value}</strong>
          {reading.suspect && <span className="suspect">suspect</span>}
          {reading.count !== "" && <span>{reading.count}</span>}
          <span>{isPointed ? reading.time : `newest, ${reading.time}`}</span>
          <span>{reading.certainty}</span>
        </output>
      )}
    </div>
  );
}

function Suspects({ moments }: { readonly moments: readonly Moment[] }): ReactNode {
  const count = countValues(
    moments.flatMap(({ suspect, parts }) => (suspect ? parts.map(({ bucket }) => bucket) : [])),
  );
  if (count === 0) return null;
  return (
    <p className="trend-suspects" data-testid="trend-suspects">
      <span aria-hidden="true">◇ </span>
      {countText(count, "suspect value")}: no body can have {count === 1 ? "it" : "them"}, so a sensor was out of order.
    </p>
  );
}

interface PointerListeners {
  readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerLeave: (event: PointerEvent<HTMLElement>) => void;
}

/** The value nearest to the pointer is read; a finger's stays until another place is touched. */
function pointerListeners(
  mapping: TrendMapping,
  moments: readonly Moment[],
  onCursor: TrendChartProps["onCursor"],
): PointerListeners {
  const point = (event: PointerEvent<HTMLElement>): void => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    const nearest = nearestMoment(moments, timeAtX(mapping, x));
    onCursor(nearest === undefined ? undefined : moments[nearest]?.unixMs);
  };
  return {
    onPointerMove: point,
    onPointerDown: point,
    onPointerLeave: (event) => {
      if (event.pointerType === "mouse") onCursor(undefined);
    },
  };
}

function indexAt(
  moments: readonly Moment[],
  unixMs: number | undefined,
  { pxPerMs }: TrendMapping,
): number | undefined {
  return unixMs === undefined ? undefined : nearestMoment(moments, unixMs, REACH_PX / pxPerMs);
}

/** Where a key leads from a value; the newest one is where it begins. */
function indexOfKey(event: KeyboardEvent, index: number | undefined, count: number): number | undefined {
  const last = count - 1;
  const at = index ?? last;
  const places: Readonly<Record<string, number>> = {
    ArrowLeft: index === undefined ? last : Math.max(0, at - 1),
    ArrowRight: Math.min(last, at + 1),
    Home: 0,
    End: last,
  };
  const next = places[event.key];
  if (next !== undefined) event.preventDefault();
  return next;
}

/** The frame's width on this screen, or the page's when printing. */
function useChartSize(frame: Parameters<typeof useElementSize>[0]): { widthPx: number; devicePixelRatio: number } {
  const { widthPx } = useElementSize(frame);
  const devicePixelRatio = useDevicePixelRatio();
  const printing = usePrinting();
  return printing ? { widthPx: PRINT_WIDTH_PX, devicePixelRatio: PRINT_PIXEL_RATIO } : { widthPx, devicePixelRatio };
}
