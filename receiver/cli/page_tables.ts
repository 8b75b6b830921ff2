/** The columns of the tables that `runledger show` prints, and what a narrow terminal gives up first. */

import type { Run, StageStats, VendorUsage } from '../serve/shape.ts';
import { DASH, formatCount, formatDuration, formatTime, formatUsd } from './format.ts';
import type { RunFailure } from './run_data.ts';
import { paintStatus, type Style } from './style.ts';
import type { Column } from './table.ts';

const LANE_CHARACTERS = 20;

/** A column is shown when any row has something to say in it. */
function some<R>(rows: R[], has: (row: R) => boolean, column: Column<R>): Column<R>[] {
  return rows.some(has) ? [column] : [];
}

const count = (value: number) => (value === 0 ? DASH : formatCount(value));

export function stageColumns(run: Run, stages: StageStats[], style: Style): Column<StageStats>[] {
  const right = 'right' as const;
  const paintErrors = (text: string, row: StageStats) => (row.count_error > 0 ? style.bad(text) : style.dim(text));
  const lane = createLane(run, stages);
  return [
    { title: 'stage', value: (s) => s.stage, shrinksTo: 10 },
    { title: 'state', value: (s) => s.status ?? DASH, paint: (text, s) => paintStatus(style, s.status ?? '', text) },
    ...some(stages, (s) => s.started_at !== null, {
      title: 'when',
      value: lane,
      paint: (text) => style.accent(text),
      leaves: 9,
    }),
    { title: 'took', value: (s) => formatDuration(stageDuration(s)), align: right },
    { title: 'done', value: (s) => count(s.count_total), align: right },
    { title: 'good', value: (s) => count(s.count_success), align: right, leaves: 6 },
    { title: 'errors', value: (s) => count(s.count_error), align: right, paint: paintErrors },
    ...some(stages, (s) => s.retry_count > 0, {
      title: 'retries',
      value: (s) => count(s.retry_count),
      align: right,
      leaves: 5,
    }),
    ...some(stages, (s) => s.fallback_count > 0, {
      title: 'fallbacks',
      value: (s) => count(s.fallback_count),
      align: right,
      leaves: 7,
    }),
    { title: 'p50', value: (s) => percentile(s, s.p50_ms), align: right, leaves: 4 },
    { title: 'p95', value: (s) => percentile(s, s.p95_ms), align: right, leaves: 2 },
    { title: 'p99', value: (s) => percentile(s, s.p99_ms), align: right, leaves: 8 },
    ...some(stages, hasSpread, {
      title: 'of',
      value: (s) => describeSamples(s),
      paint: (text) => style.dim(text),
      leaves: 10,
    }),
    ...some(stages, (s) => s.tokens_input + s.tokens_output > 0, {
      title: 'tokens',
      value: (s) => count(s.tokens_input + s.tokens_output),
      align: right,
      leaves: 3,
    }),
    { title: 'cost', value: (s) => describeCost(s.cost_usd, s.cost_complete), align: right, leaves: 1 },
  ];
}

/** The percentiles of one duration are that duration, which stands under "took" already. */
function hasSpread(stage: StageStats): boolean {
  return stage.duration_samples > 1 || (stage.duration_samples === 1 && stage.duration_class !== 'stage');
}

function percentile(stage: StageStats, ms: number | null): string {
  return formatDuration(hasSpread(stage) ? ms : null);
}

function describeSamples(stage: StageStats): string {
  if (!hasSpread(stage)) return '';
  const names: Record<string, string> = { item: 'items', vendor_call: 'calls', stage: 'spans' };
  return `${formatCount(stage.duration_samples)} ${names[stage.duration_class ?? ''] ?? 'durations'}`;
}

function describeCost(costUsd: string, complete: boolean | null): string {
  return Number(costUsd) === 0 && complete !== false ? DASH : formatUsd(costUsd, complete);
}

/** From its first start to its last end; what its spans add up to where one of the two is missing. */
function stageDuration(stage: StageStats): number | null {
  if (stage.started_at !== null && stage.ended_at !== null) {
    return Math.max(0, Date.parse(stage.ended_at) - Date.parse(stage.started_at));
  }
  return stage.duration_ms > 0 ? stage.duration_ms : null;
}

/** Each stage as a bar on the time axis that all stages of the run share. */
function createLane(run: Run, stages: StageStats[]): (stage: StageStats) => string {
  const startMs = earliest([run.started_at, ...stages.map((stage) => stage.started_at)]);
  const endMs = latest([run.ended_at, run.last_event_at, ...stages.map((stage) => stage.ended_at)]);
  return (stage) => {
    if (stage.started_at === null || endMs <= startMs) return '';
    const place = (iso: string) => ((Date.parse(iso) - startMs) / (endMs - startMs)) * LANE_CHARACTERS;
    const from = Math.max(0, Math.min(LANE_CHARACTERS - 1, Math.floor(place(stage.started_at))));
    const to = stage.ended_at === null ? LANE_CHARACTERS : Math.min(LANE_CHARACTERS, Math.round(place(stage.ended_at)));
    const length = Math.max(1, to - from);
    return `${'·'.repeat(from)}${'━'.repeat(length)}${'·'.repeat(LANE_CHARACTERS - from - length)}`;
  };
}

function earliest(times: (string | null)[]): number {
  return Math.min(...times.flatMap((time) => (time === null ? [] : [Date.parse(time)])));
}

function latest(times: (string | null)[]): number {
  return Math.max(...times.flatMap((time) => (time === null ? [] : [Date.parse(time)])));
}

export type VendorLine = Omit<VendorUsage, 'p50_ms' | 'p99_ms' | 'duration_samples'>;

/** Sums of money as integers of 10^-18 dollars, so that the total is the sum of what stands above it. */
export function vendorTotal(usage: VendorUsage[]): VendorLine {
  const sum = (value: (vendor: VendorUsage) => number) => usage.reduce((total, vendor) => total + value(vendor), 0);
  return {
    vendor: 'total',
    calls: sum((v) => v.calls),
    errors: sum((v) => v.errors),
    rate_limit_hits: sum((v) => v.rate_limit_hits),
    quota_exhausted: usage.some((v) => v.quota_exhausted),
    tokens_input: sum((v) => v.tokens_input),
    tokens_output: sum((v) => v.tokens_output),
    cost_usd: addDecimals(usage.map((v) => v.cost_usd)),
    cost_complete: usage.every((v) => v.cost_complete),
    unpriced_calls: sum((v) => v.unpriced_calls),
    unpriced_tokens: sum((v) => v.unpriced_tokens),
    p95_ms: null,
  };
}

const SCALE = 18;

function addDecimals(texts: string[]): string {
  const total = texts.reduce((sum, text) => sum + toScaled(text), 0n);
  const digits = String(total).padStart(SCALE + 1, '0');
  return `${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`.replace(/\.?0+$/, '') || '0';
}

function toScaled(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.slice(0, SCALE).padEnd(SCALE, '0'));
}

export function vendorColumns(usage: VendorUsage[], style: Style): Column<VendorLine>[] {
  const right = 'right' as const;
  const bad = (text: string, is: boolean) => (is ? style.bad(text) : style.dim(text));
  const tokens = usage.some((v) => v.tokens_input + v.tokens_output > 0);
  const isTotal = (v: VendorLine) => v.vendor === 'total' && v.p95_ms === null;
  return [
    { title: 'vendor', value: (v) => v.vendor, shrinksTo: 10 },
    { title: 'calls', value: (v) => count(v.calls), align: right },
    { title: 'errors', value: (v) => count(v.errors), align: right, paint: (text, v) => bad(text, v.errors > 0) },
    {
      title: '429s',
      value: (v) => count(v.rate_limit_hits),
      align: right,
      paint: (text, v) => (v.rate_limit_hits > 0 ? style.warn(text) : style.dim(text)),
    },
    {
      title: 'quota',
      value: (v) => (v.quota_exhausted ? 'used up' : DASH),
      paint: (text, v) => bad(text, v.quota_exhausted),
    },
    ...(tokens
      ? ([
          { title: 'tokens in', value: (v) => count(v.tokens_input), align: right, leaves: 3 },
          { title: 'tokens out', value: (v) => count(v.tokens_output), align: right, leaves: 3 },
        ] satisfies Column<VendorLine>[])
      : []),
    { title: 'p95', value: (v) => (isTotal(v) ? '' : formatDuration(v.p95_ms)), align: right, leaves: 2 },
    { title: 'cost', value: (v) => formatUsd(v.cost_usd, v.cost_complete), align: right },
    ...(usage.some((v) => v.unpriced_calls > 0)
      ? ([
          {
            title: 'no price',
            value: (v) => (v.unpriced_calls > 0 ? `${formatCount(v.unpriced_calls)} calls` : DASH),
            align: right,
            paint: (text, v) => (v.unpriced_calls > 0 ? style.warn(text) : style.dim(text)),
            leaves: 4,
          },
        ] satisfies Column<VendorLine>[])
      : []),
  ];
}

export function failureColumns(failures: RunFailure[], style: Style): Column<RunFailure>[] {
  return [
    { title: 'times', value: (f) => formatCount(f.failures), align: 'right', paint: (text) => style.bad(text) },
    { title: 'error', value: (f) => f.error_code, shrinksTo: 12 },
    { title: 'in', value: (f) => `${f.stage}, ${describeKind(f)}`, shrinksTo: 12 },
    ...some(failures, (f) => f.first_item !== null, {
      title: 'for example item',
      value: (f) => (f.first_item === null ? DASH : String(f.first_item)),
      align: 'right',
      leaves: 1,
    }),
    { title: 'last at', value: (f) => formatTime(f.last_at).slice(11), leaves: 2 },
  ];
}

function describeKind(failure: RunFailure): string {
  if (failure.kind === 'vendor_call') return failure.vendor ?? 'vendor call';
  return failure.kind === 'item' ? 'items' : 'the stage itself';
}

export const metricColumns: Column<{ name: string; value: number }>[] = [
  { title: 'metric', value: (m) => m.name },
  { title: 'value', value: (m) => formatCount(m.value), align: 'right' },
];
