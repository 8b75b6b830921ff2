/**
 * Months of runs as plain objects: stored with plain inserts on one side, counted in JavaScript on the other, so that the views have
 * somebody to agree with who knows nothing of SQL.
 */
import type { Pool } from 'pg';
import { sequence } from './ledger_writer.ts';
import { MINE, OTHER } from './seed_tenants.ts';

export interface ModelStage {
  stage: string;
  count_total: number;
  count_success: number;
  count_error: number;
  p95_ms: number;
  duration_samples: number;
}
export interface ModelVendor {
  vendor: string;
  calls: number;
  errors: number;
  rate_limit_hits: number;
  quota_exhausted: boolean;
  tokens_input: number;
  /** In 1/100,000 of a dollar. */
  cost: number;
  unpriced_calls: number;
}
export interface ModelSample {
  company_id: number;
  bucket: string;
  result: 'pass' | 'fail' | 'needs_review';
  reviewer: string | null;
}
export interface ModelRun {
  tenant_id: number;
  run_id: number;
  pipeline: string | null;
  environment: string | null;
  status: 'running' | 'succeeded' | 'failed' | 'cancelled' | 'abandoned';
  excluded: boolean;
  /** ISO 8601, UTC. */
  started_at: string;
  ended_at: string | null;
  stages: ModelStage[];
  vendors: ModelVendor[];
  metrics: Record<string, number>;
  samples: ModelSample[];
}

/** Months in which tenant MINE ran; August 2026 is left out. */
const MONTHS = ['2026-06', '2026-07', '2026-09', '2026-10'];
const STATUSES = [
  'succeeded',
  'succeeded',
  'succeeded',
  'succeeded',
  'failed',
  'abandoned',
  'cancelled',
  'running',
] as const;
const METRICS = [
  'candidates_considered',
  'candidates_selected',
  'items_delivered',
  'emails_found',
  'emails_verified',
  'fallback_attempted',
  'fallback_used',
  'lookups_attempted',
  'lookups_succeeded',
  'bucket_high',
  'bucket_medium',
  'bucket_low',
];

/** Two tenants whose run ids are the same; among the runs some without anything, and two on either side of a month's end. */
export function makeRuns(): ModelRun[] {
  const next = sequence(11);
  return [MINE, OTHER].flatMap((tenant_id) => {
    const starts = MONTHS.flatMap((month) =>
      Array.from(
        { length: 14 },
        () => `${month}-${two(1 + next(28))}T${two(next(24))}:${two(next(60))}:${two(next(60))}.000Z`,
      ),
    );
    starts.push('2026-09-30T23:59:59.999Z', '2026-10-01T00:00:00.000Z');
    return starts.map((started_at, place) => makeRun(tenant_id, place + 1, started_at, next));
  });
}

function two(part: number): string {
  return String(part).padStart(2, '0');
}

function makeRun(tenant_id: number, run_id: number, started_at: string, next: (below: number) => number): ModelRun {
  const status = STATUSES[next(STATUSES.length)] ?? 'running';
  const hasEnded = status !== 'running' && status !== 'abandoned';
  const isEmpty = next(8) === 0;
  const metrics = METRICS.filter(() => !isEmpty && next(6) > 0).map((name) => [name, next(500)] as const);
  return {
    tenant_id,
    run_id,
    pipeline: next(10) === 0 ? null : next(3) === 0 ? 'weekly' : 'nightly',
    environment: next(10) === 0 ? null : 'production',
    status,
    excluded: next(10) === 0,
    started_at,
    // A clock that was set back between start and end, now and then.
    ended_at: hasEnded
      ? new Date(Date.parse(started_at) + (next(12) === 0 ? -60_000 : next(7_200_000))).toISOString()
      : null,
    stages: isEmpty ? [] : ['crawl', 'score'].flatMap((stage) => (next(5) === 0 ? [] : [makeStage(stage, next)])),
    vendors: isEmpty
      ? []
      : ['openai', 'lusha', 'tavily'].flatMap((vendor) => (next(4) === 0 ? [] : [makeVendor(vendor, next)])),
    metrics: Object.fromEntries(metrics),
    samples: isEmpty ? [] : Array.from({ length: next(5) }, (_, place) => makeSample(place, next)),
  };
}

function makeStage(stage: string, next: (below: number) => number): ModelStage {
  const [count_success, count_error, skipped] = [next(200), next(20), next(10)];
  const duration_samples = next(4) === 0 ? 0 : 1 + next(200);
  const p95_ms = duration_samples === 0 ? 0 : next(9000);
  return {
    stage,
    count_total: count_success + count_error + skipped,
    count_success,
    count_error,
    p95_ms,
    duration_samples,
  };
}

function makeVendor(vendor: string, next: (below: number) => number): ModelVendor {
  const calls = next(6) === 0 ? 0 : 1 + next(300);
  return {
    vendor,
    calls,
    errors: calls === 0 ? 0 : next(calls),
    rate_limit_hits: next(3),
    quota_exhausted: next(9) === 0,
    tokens_input: next(2 ** 40),
    cost: next(5_000_000),
    unpriced_calls: next(4) === 0 ? 1 : 0,
  };
}

function makeSample(company_id: number, next: (below: number) => number): ModelSample {
  const result = (['pass', 'fail', 'needs_review'] as const)[next(3)] ?? 'pass';
  const reviewer = result === 'needs_review' ? null : (['ana', 'ben', null][next(3)] ?? null);
  return { company_id, bucket: next(2) === 0 ? 'High' : 'Low', result, reviewer };
}

/** @param superuser of a migrated database without runs */
export async function storeRuns(superuser: Pool, runs: readonly ModelRun[]): Promise<void> {
  const json = JSON.stringify(runs);
  for (const statement of STORE) await superuser.query(statement, [json]);
}

const RUNS = `jsonb_to_recordset($1::jsonb) as r (tenant_id int, run_id bigint, pipeline text, environment text, status text, excluded boolean,
  started_at timestamptz, ended_at timestamptz, stages jsonb, vendors jsonb, metrics jsonb, samples jsonb)`;

const STORE = [
  `insert into public.enrichment_runs (tenant_id, run_id, pipeline, environment, status, state, excluded, started_at, ended_at, first_event_at)
   select tenant_id, run_id, pipeline, environment, status, status, excluded, started_at, ended_at, started_at from ${RUNS}`,
  `insert into public.run_stage_stats (tenant_id, run_id, stage, count_total, count_success, count_error, p50_ms, p95_ms, p99_ms, duration_samples)
   select r.tenant_id, r.run_id, s.stage, s.count_total, s.count_success, s.count_error, s.p95_ms, s.p95_ms, s.p95_ms, s.duration_samples
   from ${RUNS}, jsonb_to_recordset(r.stages) as s (stage text, count_total bigint, count_success bigint, count_error bigint, p95_ms bigint,
     duration_samples bigint)`,
  `insert into public.run_vendor_usage (tenant_id, run_id, vendor, calls, errors, rate_limit_hits, quota_exhausted, tokens_input, cost_usd,
     unpriced_calls)
   select r.tenant_id, r.run_id, v.vendor, v.calls, v.errors, v.rate_limit_hits, v.quota_exhausted, v.tokens_input, v.cost / 100000, v.unpriced_calls
   from ${RUNS}, jsonb_to_recordset(r.vendors) as v (vendor text, calls bigint, errors bigint, rate_limit_hits bigint, quota_exhausted boolean,
     tokens_input bigint, cost numeric, unpriced_calls bigint)`,
  `insert into public.run_metrics (tenant_id, run_id, name, set_value)
   select r.tenant_id, r.run_id, m.key, m.value::numeric from ${RUNS}, jsonb_each_text(r.metrics) as m`,
  `insert into public.qa_samples (tenant_id, run_id, company_id, bucket, result, reviewer)
   select r.tenant_id, r.run_id, q.* from ${RUNS}, jsonb_to_recordset(r.samples) as q (company_id bigint, bucket text, result text, reviewer text)`,
];

// Counting -------------------------------------------------------------------------------------------------------------------------

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** null where there is nothing to divide by. */
export function rate(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : part / whole;
}

/** The sum of a metric over the runs that state it; null when none does. */
export function metricSum(runs: readonly ModelRun[], ...names: string[]): number | null {
  const stated = runs.flatMap(({ metrics }) => names.flatMap((name) => metrics[name] ?? []));
  return stated.length === 0 ? null : sum(stated);
}

/** As percentile_cont defines it. */
export function percentile(values: readonly number[], fraction: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const rank = fraction * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(rank)] ?? 0, sorted[Math.ceil(rank)] ?? 0];
  return low + (rank - Math.floor(rank)) * (high - low);
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => unknown[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = JSON.stringify(keyOf(item));
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
