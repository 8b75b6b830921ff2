/** Runs as derive leaves them, in few words, and what a rule says of them at a moment. */
import type { Pool } from 'pg';
import { evaluateRule } from '../../receiver/derive/alerts/evaluate.ts';
import type { Finding } from '../../receiver/derive/alerts/finding.ts';
import { loadRules } from '../../receiver/derive/alerts/load_rules.ts';
import { inTransaction } from '../../receiver/store/pool.ts';

export interface SeededStage {
  total?: number;
  errors?: number;
  status?: string | null;
  startedAt?: string;
  endedAt?: string | null;
  p95?: number;
  samples?: number;
  class?: string;
}

export interface SeededRun {
  tenant?: number;
  pipeline?: string | null;
  environment?: string | null;
  status?: string;
  /** Minutes that it took; negative: it ended before it started. */
  minutes?: number | null;
  /** Default: with its end. */
  receivedAt?: string | null;
  excluded?: boolean;
  /** Default: the status. null: never derived. */
  derived?: string | null;
  sent?: { items: number; stored: number };
  stages?: Record<string, SeededStage>;
  vendors?: Record<string, { hits?: number; quota?: boolean; cost?: string; unpriced?: number }>;
  metrics?: Record<string, number>;
  reviews?: { pass?: number; fail?: number; open?: number; at?: string };
}

let lastRunId = 0;

/** A run that began at `startedAt`; returns its id. The tenant is registered. */
export async function seedRun(pool: Pool, startedAt: string | null, run: SeededRun = {}): Promise<number> {
  const { tenant = 7, status = 'succeeded', minutes = 60, stages = {}, vendors = {}, metrics = {}, reviews } = run;
  const runId = ++lastRunId;
  const start = startedAt === null ? null : new Date(startedAt);
  const isOver = status !== 'running' && status !== 'abandoned';
  const end = start === null || minutes === null || !isOver ? null : new Date(start.getTime() + minutes * 60_000);
  const received = run.receivedAt === undefined ? (end ?? start) : run.receivedAt;
  const derived = run.derived === undefined ? status : run.derived;
  await pool.query('insert into runledger.tenants (tenant_id) values ($1) on conflict do nothing', [tenant]);
  await pool.query(
    `insert into public.enrichment_runs (run_id, tenant_id, pipeline, environment, status, started_at, ended_at, last_received_at, excluded,
       derived_status, derived_at, sent_statements, sent_items, stored_items)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text, case when $10::text is not null then now() end, $11, $12, $13)`,
    [
      runId,
      tenant,
      run.pipeline === undefined ? 'nightly' : run.pipeline,
      run.environment === undefined ? 'prod' : run.environment,
      status,
      start,
      end,
      received,
      run.excluded ?? false,
      derived,
      run.sent === undefined ? 0 : 1,
      run.sent?.items ?? 0,
      run.sent?.stored ?? 0,
    ],
  );
  for (const [name, stage] of Object.entries(stages)) await seedStage(pool, tenant, runId, name, stage);
  for (const [name, usage] of Object.entries(vendors)) {
    await pool.query(
      `insert into public.run_vendor_usage (run_id, tenant_id, vendor, calls, rate_limit_hits, quota_exhausted, cost_usd, unpriced_calls)
       values ($1, $2, $3, 100, $4, $5, $6, $7)`,
      [runId, tenant, name, usage.hits ?? 0, usage.quota ?? false, usage.cost ?? '0', usage.unpriced ?? 0],
    );
  }
  for (const [name, value] of Object.entries(metrics)) {
    const sql = 'insert into public.run_metrics (run_id, tenant_id, name, set_value) values ($1, $2, $3, $4)';
    await pool.query(sql, [runId, tenant, name, value]);
  }
  if (reviews !== undefined) await seedReviews(pool, tenant, runId, reviews);
  return runId;
}

async function seedStage(pool: Pool, tenant: number, runId: number, name: string, stage: SeededStage): Promise<void> {
  const { total = 100, errors = 0, status = 'ok', endedAt = null, startedAt = null } = stage;
  await pool.query(
    `insert into public.run_stage_stats (run_id, tenant_id, stage, count_total, count_error, count_success, status, started_at, ended_at,
       p95_ms, duration_samples, duration_class)
     values ($1, $2, $3, $4::bigint, $5::bigint, $4::bigint - $5::bigint, $6, $7, $8, $9, $10, $11)`,
    [
      runId,
      tenant,
      name,
      total,
      errors,
      status,
      startedAt,
      endedAt,
      stage.p95 ?? 0,
      stage.samples ?? 100,
      stage.class ?? 'item',
    ],
  );
}

async function seedReviews(
  pool: Pool,
  tenant: number,
  runId: number,
  reviews: NonNullable<SeededRun['reviews']>,
): Promise<void> {
  const results = [
    ...Array(reviews.pass ?? 0).fill('pass'),
    ...Array(reviews.fail ?? 0).fill('fail'),
    ...Array(reviews.open ?? 0).fill('needs_review'),
  ];
  await pool.query(
    `insert into public.qa_samples (run_id, tenant_id, company_id, bucket, result, reviewed_at)
     select $1, $2, n, 'High', result, $4 from unnest($3::text[]) with ordinality as r (result, n)`,
    [runId, tenant, results, reviews.at ?? null],
  );
}

/** What the rule says of every subject at `asOf`; `only` keeps one tenant. */
export async function findingsOf(owner: Pool, rule: string, asOf: string, only?: number): Promise<Finding[]> {
  const found = await inTransaction(
    owner,
    async (client) => {
      const { rules } = await loadRules(client);
      const loaded = rules.find((one) => one.rule === rule);
      if (loaded === undefined) throw new Error(`there is no rule ${rule}`);
      return evaluateRule(client, loaded, new Date(asOf));
    },
    { readOnly: true },
  );
  return only === undefined ? found : found.filter(({ tenantId }) => tenantId === only);
}

/** `verdict subject` of each finding, and the severity of bad ones: short enough to compare whole answers. */
export async function verdictsOf(owner: Pool, rule: string, asOf: string, only?: number): Promise<string[]> {
  const found = await findingsOf(owner, rule, asOf, only);
  return found.map(({ verdict, severity, subject }) =>
    [verdict, ...(severity === null ? [] : [severity]), ...(subject === '' ? [] : [subject])].join(' '),
  );
}

/** Empties what rules look at, so that each test has its own night. */
export async function clearRuns(pool: Pool): Promise<void> {
  await pool.query(`truncate public.enrichment_runs, public.run_stage_stats, public.run_vendor_usage, public.run_metrics, public.qa_samples,
    runledger.schedules, runledger.expected_runs, runledger.alert_overrides, runledger.refusals, runledger.parked_spans,
    runledger.alert_deliveries, runledger.alert_channels, runledger.audit_results`);
  await pool.query("update runledger.tenants set status = 'active'");
}

/** An override in the words of SQL, checked by nobody. */
export async function override(
  pool: Pool,
  rule: string,
  parameters: object,
  { tenant = 7, pipeline = '', enabled = null as boolean | null } = {},
): Promise<void> {
  await pool.query(
    `insert into runledger.alert_overrides (tenant_id, rule, pipeline, enabled, parameters) values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, rule, pipeline) do update set enabled = excluded.enabled, parameters = excluded.parameters`,
    [tenant, rule, pipeline, enabled, parameters],
  );
}
