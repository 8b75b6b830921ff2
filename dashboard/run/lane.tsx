/** A stage as a lane on the run's time axis: its span, what was finished when with failures standing out, and below it the waits for vendors. */

import type { StageStats } from '../../receiver/serve/shape.ts';
import type { RunTimeline } from '../../receiver/serve/shape_events.ts';
import { formatClock, formatDuration } from '../format.ts';

/** What all lanes of a run share. */
export interface Axis {
  fromMs: number;
  toMs: number;
  /** The most that any lane finished in one step. */
  mostDone: number;
  /** The longest that any lane waited for vendors in one step. */
  mostWaitMs: number;
}

type StageTimeline = RunTimeline['stages'][number];

const WIDTH = 1000;
const DONE_BOTTOM = 24;
const DONE_HEIGHT = 22;
const ERROR_MIN = 6;

export function axisOf(
  stages: StageStats[],
  timeline: RunTimeline | null,
  run: { started_at: string | null; ended_at: string | null; status: string },
): Axis {
  const times = [
    run.started_at,
    run.ended_at,
    timeline?.from,
    timeline?.to,
    ...stages.flatMap(({ started_at, ended_at }) => [started_at, ended_at]),
  ].flatMap((text) => (text == null ? [] : [Date.parse(text)]));
  const nowMs = Date.now();
  const fromMs = times.length === 0 ? nowMs : Math.min(...times);
  const lastMs = times.length === 0 ? nowMs : Math.max(...times);
  // A run that is told of long after it took place is not drawn up to this moment.
  const isNow = run.status === 'running' && nowMs - lastMs < 15 * 60_000;
  const toMs = Math.max(isNow ? nowMs : lastMs, fromMs + 1);
  const lanes = timeline?.stages ?? [];
  const most = (values: number[]) => values.reduce((a, b) => Math.max(a, b), 1);
  return {
    fromMs,
    toMs,
    mostDone: most(lanes.map((lane) => most(lane.items_ok.map((ok, step) => ok + (lane.items_error[step] ?? 0))))),
    mostWaitMs: most(lanes.map((lane) => most(lane.vendor_ms))),
  };
}

interface LaneProps {
  stage: StageStats;
  lane: StageTimeline | undefined;
  timeline: RunTimeline | null;
  axis: Axis;
  isLive: boolean;
}

export function Lane({ stage, lane, timeline, axis, isLive }: LaneProps) {
  const x = (ms: number) => (WIDTH * (ms - axis.fromMs)) / (axis.toMs - axis.fromMs);
  const startMs = stage.started_at === null ? null : Date.parse(stage.started_at);
  const endMs = stage.ended_at === null ? (isLive ? axis.toMs : null) : Date.parse(stage.ended_at);
  const left = startMs === null ? null : x(startMs);
  const width = left === null || endMs === null ? 0 : Math.max(3, x(endMs) - left);
  return (
    <svg class="lane" viewBox={`0 0 ${WIDTH} 32`} preserveAspectRatio="none" role="img" aria-label={wordsOf(stage)}>
      {left !== null && <rect class="lane-span" x={left} y="2" width={width} height={DONE_HEIGHT} />}
      {lane !== undefined && timeline?.from != null && (
        <Steps lane={lane} fromMs={Date.parse(timeline.from)} stepMs={timeline.step_ms} axis={axis} x={x} />
      )}
      {left !== null && <path class="lane-edge" d={`M${left} 2v${DONE_HEIGHT}`} />}
    </svg>
  );
}

interface StepsProps {
  lane: StageTimeline;
  fromMs: number;
  stepMs: number;
  axis: Axis;
  x: (ms: number) => number;
}

function Steps({ lane, fromMs, stepMs, axis, x }: StepsProps) {
  const tall = (count: number) => DONE_HEIGHT * Math.sqrt(count / axis.mostDone);
  return (
    <>
      {lane.items_ok.map((ok, step) => {
        const errors = lane.items_error[step] ?? 0;
        const skips = lane.items_skip[step] ?? 0;
        const waitMs = lane.vendor_ms[step] ?? 0;
        const vendorErrors = lane.vendor_errors[step] ?? 0;
        if (ok + errors + skips + waitMs + vendorErrors === 0) return null;
        const left = x(fromMs + step * stepMs);
        const width = Math.max(2.5, x(fromMs + (step + 1) * stepMs) - left - 0.8);
        // Failures take their share of the bar, and never so little that one could overlook them.
        const bothTall = tall(ok + errors);
        const errorTall = errors === 0 ? 0 : Math.max(ERROR_MIN, (bothTall * errors) / (ok + errors));
        const okTall = ok === 0 ? 0 : Math.max(2, bothTall - errorTall);
        const errorTop = Math.max(0, DONE_BOTTOM - okTall - errorTall);
        return (
          <g key={step}>
            {ok > 0 && <rect class="lane-ok" x={left} y={DONE_BOTTOM - okTall} width={width} height={okTall} />}
            {skips > 0 && <rect class="lane-skip" x={left} y={DONE_BOTTOM - 3} width={width} height="3" />}
            {errors > 0 && <rect class="lane-error" x={left} y={errorTop} width={width} height={errorTall} />}
            {waitMs > 0 && (
              <rect
                class="lane-wait"
                x={left}
                y="27"
                width={width}
                height="4"
                opacity={0.25 + 0.75 * Math.sqrt(waitMs / axis.mostWaitMs)}
              />
            )}
            {vendorErrors > 0 && <rect class="lane-error" x={left} y="27" width={width} height="4" />}
          </g>
        );
      })}
    </>
  );
}

function wordsOf(stage: StageStats): string {
  const when =
    stage.started_at === null
      ? 'no start known'
      : `from ${formatClock(stage.started_at)}${stage.ended_at === null ? ', not ended' : ` to ${formatClock(stage.ended_at)}`}`;
  return `${stage.stage}: ${when}, ${stage.count_success} good, ${stage.count_error} in error`;
}

const TICKS = 4;

/** Times since the start, at round places. */
export function AxisTicks({ axis }: { axis: Axis }) {
  const spanMs = axis.toMs - axis.fromMs;
  const stepMs = roundStep(spanMs / TICKS);
  const ticks: number[] = [];
  for (let at = 0; at <= spanMs; at += stepMs) ticks.push(at);
  return (
    <span class="ticks">
      {ticks.map((at) => (
        <span key={at} class="tick" style={{ insetInlineStart: `${(100 * at) / spanMs}%` }}>
          {at === 0 ? formatClock(new Date(axis.fromMs).toISOString()).slice(0, 8) : `+${formatDuration(at)}`}
        </span>
      ))}
    </span>
  );
}

const ROUND_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5,
  432e5, 864e5,
];

function roundStep(ms: number): number {
  return ROUND_MS.find((step) => step >= ms) ?? Math.ceil(ms / 864e5) * 864e5;
}
