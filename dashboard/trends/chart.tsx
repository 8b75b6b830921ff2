/** A uPlot chart in the page's colours, with the crosshair shared by all charts, a click that leads to the run, and a table of the same numbers. */

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatDay, formatTime } from '../format.ts';

export interface Line {
  name: string;
  /** One value a point; null: none. */
  values: (number | null)[];
}

interface ChartProps {
  title: string;
  /** Seconds since 1970, ascending. */
  at: number[];
  lines: Line[];
  show: (value: number | null) => string;
  /** Amounts that add up are stacked, others are lines. */
  isStacked?: boolean;
  /** A limit to hold the values against. */
  limit?: { value: number; name: string } | null;
  onPoint?: (index: number) => void;
  /** False: it has a time axis of its own, and its crosshair moves alone. */
  isSynced?: boolean;
  /** Why there may be nothing to draw. */
  none?: string;
}

const HEIGHT = 180;
const SYNC = 'trends';
/** Wide enough for "12 m 30 s" in 11 px. */
const AXIS_WIDTH = 64;
const DAY_S = 86_400;
/** Share of the room between points, and at most and at least so many pixels: two runs of one moment leave no room. */
const BAR_SIZE: [number, number, number] = [0.7, 24, 6];

export function Chart({
  title,
  at,
  lines,
  show,
  isStacked = false,
  limit = null,
  onPoint,
  isSynced = true,
  none = 'Nothing in this time.',
}: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useThemeTurn();
  const click = useRef(onPoint);
  click.current = onPoint;
  const hasData = lines.some(({ values }) => values.some((value) => value !== null));

  useEffect(() => {
    const box = place.current;
    if (box === null || !hasData) return;
    const options = optionsOf({ lines, show, isStacked, isSynced, limit, width: box.clientWidth });
    const plot = new uPlot(options, dataOf(at, lines, isStacked), box);
    const size = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT }));
    size.observe(box);
    const press = () => {
      const index = plot.cursor.idx;
      if (index != null) click.current?.(index);
    };
    plot.over.addEventListener('click', press);
    // The newest values stand in the legend until somebody points at others.
    const showNewest = () => requestAnimationFrame(() => plot.setLegend({ idx: at.length - 1 }, false));
    plot.over.addEventListener('mouseleave', showNewest);
    showNewest();
    return () => {
      size.disconnect();
      plot.destroy();
    };
  }, [at, lines, show, isStacked, isSynced, limit, hasData, theme]);

  return (
    <figure class={onPoint === undefined ? 'chart' : 'chart clickable'}>
      <figcaption>{title}</figcaption>
      {hasData ? <div ref={place} class="chart-place" aria-hidden="true" /> : <p class="faint chart-empty">{none}</p>}
      {hasData && <ChartTable title={title} at={at} lines={lines} show={show} />}
    </figure>
  );
}

/** Changes when the colours do. */
function useThemeTurn(): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const next = () => setTurn((last) => last + 1);
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', next);
    addEventListener('themechange', next);
    return () => {
      system.removeEventListener('change', next);
      removeEventListener('themechange', next);
    };
  }, []);
  return turn;
}

/** The palette, as the style sheet says it for the theme that is on. */
export function colorOf(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

export const SERIES_COLORS = 8;

/** Stacked values are sums up to and with each line; the highest sum is drawn first, so that those below it stay visible. */
function dataOf(at: number[], lines: Line[], isStacked: boolean): uPlot.AlignedData {
  if (!isStacked) return [at, ...lines.map(({ values }) => values)];
  const sums: number[] = at.map(() => 0);
  const stacked = lines.map(({ values }) =>
    values.map((value, index) => {
      const sum = (sums[index] ?? 0) + (value ?? 0);
      sums[index] = sum;
      return sum;
    }),
  );
  return [at, ...stacked.reverse()];
}

interface OptionsInput extends Required<Pick<ChartProps, 'lines' | 'show' | 'isStacked' | 'isSynced' | 'limit'>> {
  width: number;
}

function optionsOf({ lines, show, isStacked, isSynced, limit, width }: OptionsInput): uPlot.Options {
  const axis = {
    stroke: colorOf('faint'),
    font: '11px system-ui',
    grid: { stroke: colorOf('line'), width: 1 },
    ticks: { show: false },
  };
  const order = isStacked ? [...lines.keys()].reverse() : [...lines.keys()];
  const bars = uPlot.paths.bars?.({ size: BAR_SIZE, gap: 1 });
  return {
    width,
    height: HEIGHT,
    cursor: {
      ...(isSynced && { sync: { key: SYNC, setSeries: false } }),
      points: { size: 6 },
      drag: { x: false, y: false },
    },
    legend: { live: true },
    scales: {
      x: { time: true, range: (_, low, high) => padded(low, high) },
      y: { range: (_, __, high) => [0, Math.max(high, limit?.value ?? 0, 1e-9) * 1.08] },
    },
    axes: [
      { ...axis, space: 64, values: (_, values) => values.map((seconds) => formatDay(seconds * 1000)) },
      { ...axis, size: AXIS_WIDTH, values: (_, values) => values.map((value) => show(value)) },
    ],
    series: [
      { value: (_, value) => (value === null ? '' : formatTime(new Date(value * 1000).toISOString())) },
      ...order.map((index): uPlot.Series => {
        const line = lines[index];
        const color = colorOf(`series-${(index % SERIES_COLORS) + 1}`);
        const base: uPlot.Series = {
          label: line?.name ?? '',
          stroke: color,
          value: (_plot, _value, _series, point) => (point == null ? '' : show(line?.values[point] ?? null)),
        };
        if (isStacked && bars !== undefined)
          return { ...base, fill: color, width: 0, paths: bars, points: { show: false } };
        return { ...base, width: 1.5, spanGaps: true, points: { show: true, size: 4, fill: color } };
      }),
    ],
    hooks: { draw: limit === null ? [] : [(plot) => drawLimit(plot, limit)] },
  };
}

/** Room for half a bar at both ends. */
function padded(low: number, high: number): [number, number] {
  const room = high > low ? (high - low) * 0.04 : DAY_S;
  return [low - room, high + room];
}

function drawLimit(plot: uPlot, limit: { value: number; name: string }): void {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(limit.value, 'y', true));
  ctx.save();
  ctx.strokeStyle = colorOf('warn');
  ctx.fillStyle = colorOf('warn');
  ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${11 * devicePixelRatio}px system-ui`;
  ctx.textAlign = 'left';
  ctx.fillText(limit.name, bbox.left + 4 * devicePixelRatio, y + 12 * devicePixelRatio);
  ctx.restore();
}

const TABLE_ROWS = 200;

function ChartTable({ title, at, lines, show }: Pick<ChartProps, 'title' | 'at' | 'lines' | 'show'>) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Table</summary>
      {isOpen && (
        <div class="scroll">
          <table aria-label={title}>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {lines.map(({ name }) => (
                  <th key={name} scope="col" class="num">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {at.slice(-TABLE_ROWS).map((seconds, row) => {
                const index = Math.max(0, at.length - TABLE_ROWS) + row;
                return (
                  <tr key={`${seconds} ${index}`}>
                    <th scope="row">{formatTime(new Date(seconds * 1000).toISOString())}</th>
                    {lines.map(({ name, values }) => (
                      <td key={name} class="num">
                        {show(values[index] ?? null)}
                      </td>
                    ))}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
