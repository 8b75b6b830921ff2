/** How durations spread, on a logarithmic axis: bars of this run, the outline of the run before behind them, and the percentiles named where they stand. */

import type { StageStats } from '../../receiver/serve/shape.ts';
import type { RunDurations } from '../../receiver/serve/shape_events.ts';
import { formatDuration, plural } from '../format.ts';

interface HistogramProps {
  durations: RunDurations;
  before: RunDurations | null;
  percentiles: Pick<StageStats, 'p50_ms' | 'p95_ms' | 'p99_ms'>;
}

const WIDTH = 560;
const HEIGHT = 96;
const COLUMNS = 56;
/** Below each other, so that neighbours stay readable. */
const LABEL_STEP = 13;

export function Histogram({ durations, before, percentiles }: HistogramProps) {
  if (durations.samples === 0 || durations.bins.length === 0) {
    return <p class="faint">No durations to show: nothing in this stage says how long it took.</p>;
  }
  const all = [...durations.bins, ...(before?.bins ?? [])];
  const lowMs = Math.max(0.5, Math.min(...all.map((bin) => bin.from_ms || 0.5)));
  const highMs = Math.max(...all.map((bin) => bin.to_ms), lowMs * 2);
  const place = (ms: number) => Math.log(Math.max(ms, lowMs) / lowMs) / Math.log(highMs / lowMs);
  const own = columnsOf(durations, place);
  const ghost = before === null || before.samples === 0 ? null : columnsOf(before, place);
  const most = Math.max(...own, ...(ghost ?? []));
  const columnWidth = WIDTH / COLUMNS;
  const marks = (['p50_ms', 'p95_ms', 'p99_ms'] as const).flatMap((name) => {
    const ms = percentiles[name];
    return ms === null ? [] : [{ name: name.slice(0, 3), ms, x: place(ms) * WIDTH }];
  });
  return (
    <figure class="histogram">
      <svg viewBox={`0 -42 ${WIDTH} ${HEIGHT + 60}`} role="img" aria-label={wordsOf(durations, percentiles)}>
        {ghost !== null && <path class="ghost" d={outlineOf(ghost, most, columnWidth)} />}
        {own.map((share, column) =>
          share === 0 ? null : (
            <rect
              key={column}
              class="bin"
              x={column * columnWidth + 0.5}
              width={columnWidth - 1}
              y={HEIGHT - Math.max(1.5, (HEIGHT * share) / most)}
              height={Math.max(1.5, (HEIGHT * share) / most)}
            />
          ),
        )}
        <path class="floor" d={`M0 ${HEIGHT}h${WIDTH}`} />
        {marks.map((mark, index) => (
          <g key={mark.name} class="percentile">
            <path d={`M${mark.x} ${-40 + index * LABEL_STEP}V${HEIGHT}`} />
            <text
              x={mark.x}
              y={-41 + index * LABEL_STEP}
              text-anchor={mark.x > WIDTH * 0.7 ? 'end' : 'start'}
              dx={mark.x > WIDTH * 0.7 ? -3 : 3}
              dy="8"
            >
              {mark.name} {formatDuration(mark.ms)}
            </text>
          </g>
        ))}
        <text class="end" x="0" y={HEIGHT + 14}>
          {formatDuration(lowMs)}
        </text>
        <text class="end" x={WIDTH} y={HEIGHT + 14} text-anchor="end">
          {formatDuration(highMs)}
        </text>
      </svg>
      <figcaption class="faint">
        {plural(durations.samples, 'duration')}
        {ghost !== null &&
          before !== null &&
          `; the dashed outline is the run before, ${plural(before.samples, 'duration')}`}
      </figcaption>
    </figure>
  );
}

/** Share of all samples in each column; a bin that spans several is spread over them. */
function columnsOf({ bins, samples }: RunDurations, place: (ms: number) => number): number[] {
  const columns = new Array<number>(COLUMNS).fill(0);
  const at = (ms: number) => Math.min(COLUMNS - 1, Math.max(0, Math.floor(place(ms) * COLUMNS)));
  for (const bin of bins) {
    const first = at(bin.from_ms);
    const last = Math.max(first, at(bin.to_ms - (bin.to_ms - bin.from_ms) / 100));
    for (let column = first; column <= last; column++) {
      columns[column] = (columns[column] ?? 0) + bin.count / samples / (last - first + 1);
    }
  }
  return columns;
}

function outlineOf(columns: number[], most: number, width: number): string {
  const steps = columns.map((share, column) => `L${column * width} ${y(share, most)}H${(column + 1) * width}`);
  return `M0 ${HEIGHT}${steps.join('')}L${columns.length * width} ${HEIGHT}`;
}

const y = (share: number, most: number) => (HEIGHT - (HEIGHT * share) / most).toFixed(1);

function wordsOf(durations: RunDurations, { p50_ms, p95_ms, p99_ms }: HistogramProps['percentiles']): string {
  return `${plural(durations.samples, 'duration')}: half took up to ${formatDuration(p50_ms)}, 95 % up to ${formatDuration(p95_ms)}, 99 % up to ${formatDuration(p99_ms)}`;
}
