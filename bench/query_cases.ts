/** What the query bench asks: every query of the API with parameters like those of the dashboard, and every view that BI tools read. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { TIMELINE_STEPS } from '../receiver/derive/timelines.ts';
import { loadSql } from '../receiver/store/sql.ts';
import { dashboardCases, viewCases } from './dashboard_cases.ts';
import { LARGE_RUN } from './ledger_seed.ts';

/** Times as text, so that microseconds stay. */
export interface BenchRun {
  tenantId: number;
  runId: number;
  firstAt: string;
  lastAt: string;
  events: number;
}

export interface QueryCase {
  query: string;
  /** What it is asked about. */
  about: string;
  sql: string;
  parameters: unknown[];
  /** operator: all tenants. bi: a login of one tenant, on a view. */
  as: 'reader' | 'operator' | 'bi';
  tenantId: number;
  limitMs: number;
}

export const LIMIT_MS = 50;
const LARGE_RUN_LIMIT_MS = 500;
const DAY_MS = 86_400_000;
/** Of the first tenant are 3,000 runs of 10,000, of the other 300. */
const MANY_RUNS_TENANT = 1;
const FEW_RUNS_TENANT = 2;
const PAGE = 100;
const DAYS_SHOWN = 30;

type Parameters = readonly unknown[];
/** By the name of the file; a query without an entry ends the bench. Those that change a row have an empty one. */
interface Asked {
  /** Of a tenant; null: of all, as an operator. */
  ofTenant?: Record<string, (tenantId: number | null) => Parameters>;
  ofRun?: Record<string, (run: BenchRun) => Parameters>;
  /** Only for operators, or only for tenants. */
  only?: 'operator' | 'reader';
}

const now = new Date();
const daysAgo = (days: number) => new Date(now.getTime() - days * DAY_MS);
/** Where a page of 500 runs begins that ends today: parts of points are asked for from the first shown point on. */
const pageStart = (tenant: number | null) =>
  daysAgo(tenant === null ? 5.1 : tenant === MANY_RUNS_TENANT ? 17 : DAYS_SHOWN);
const nulls = (count: number) => new Array<null>(count).fill(null);
const bounds = (run: BenchRun) => [run.tenantId, run.runId, run.firstAt, run.lastAt];
const trend = (tenant: number | null, days: number, by: string, last: unknown) => [
  tenant,
  'enrichment',
  'production',
  daysAgo(days),
  now,
  by,
  last,
];

const ASKED: Record<string, Asked> = {
  acts: { ofTenant: { newest: (tenant) => [tenant, ...nulls(5), PAGE] } },
  alert_record: { ofTenant: { 'one alert': (tenant) => [tenant, 1, null] }, only: 'reader' },
  alerts: {
    ofTenant: {
      newest: (tenant) => [tenant, ...nulls(10), PAGE],
      open: (tenant) => [tenant, ['firing', 'acked', 'snoozed'], ...nulls(9), PAGE],
    },
  },
  budgets: {
    ofTenant: {
      'of run, day and month': (tenant) => [
        tenant,
        now,
        JSON.stringify({ '': { enabled: true, per_run_usd: 1, per_day_usd: 10, per_month_usd: 100 } }),
        'cost_budget',
        0.8,
        daysAgo(62),
      ],
    },
  },
  durations: {
    ofRun: {
      'a stage': (run) => [...bounds(run), 'crawl', null],
      'a vendor': (run) => [...bounds(run), null, 'openai'],
    },
  },
  errors: { ofRun: { '20 codes': (run) => [...bounds(run), 20, 3] } },
  event_lines: { ofRun: { '1,000 rows': (run) => [...bounds(run), '', -100, 1000] } },
  qa_rows: { ofRun: { all: (run) => [run.tenantId, run.runId] } },
  event_page: { ofRun: { '1,000 rows': (run) => [...bounds(run), '', -100, 1000] } },
  events: {
    ofRun: {
      first: (run) => [...bounds(run), PAGE, 'ts', ...nulls(10)],
      newest: (run) => [...bounds(run), PAGE, '-ts', ...nulls(10)],
      slowest: (run) => [...bounds(run), PAGE, 'slowest', ...nulls(10)],
      'errors of a stage': (run) => [...bounds(run), PAGE, '-ts', ...nulls(3), 'score', null, 'error', ...nulls(4)],
      'one item': (run) => [...bounds(run), PAGE, 'ts', ...nulls(3), ...nulls(5), 1020, null],
    },
  },
  ingest_health: { ofTenant: { all: () => [now] }, only: 'operator' },
  metrics: { ofRun: { all: (run) => [run.tenantId, run.runId] } },
  open_alerts: { ofTenant: { all: (tenant) => [tenant] } },
  overview: { ofTenant: { '30 days': (tenant) => [tenant, 30, now] }, only: 'reader' },
  quota_holds: { ofTenant: { week: (tenant) => [tenant, daysAgo(6), 500] } },
  tenant_metrics: { ofTenant: { scrape: (tenant) => [tenant, now, 30, 200, 20, 20] } },
  pipelines: { ofTenant: { '30 days': (tenant) => [tenant, 30, 30, now] } },
  lock_sample: {},
  previous_run: { ofRun: { one: (run) => [run.tenantId, run.runId] } },
  qa: { ofTenant: { newest: (tenant) => [tenant, ...nulls(9), PAGE, null] } },
  qa_progress: { ofTenant: { all: (tenant) => [tenant, ...nulls(4)] } },
  qa_settings: { ofTenant: { all: (tenant) => [tenant] } },
  qa_summary: { ofTenant: { all: (tenant) => [tenant, ...nulls(4), 50] } },
  review_sample: {},
  run: {
    ofRun: { 'by id': (run) => [run.tenantId, run.runId, null], 'by key': (run) => [run.tenantId, null, 'none'] },
  },
  runs: {
    ofTenant: {
      newest: (tenant) => [tenant, ...nulls(7), PAGE, ...nulls(5)],
      'failed ones': (tenant) => [tenant, null, 'failed', ...nulls(5), PAGE, ...nulls(5)],
      'of a pipeline, second page': (tenant) => [
        tenant,
        'enrichment',
        null,
        daysAgo(30),
        now,
        daysAgo(9),
        1,
        1,
        PAGE,
        'production',
        ...nulls(4),
      ],
    },
  },
  set_qa_setting: {},
  set_run_exclusion: {},
  set_run_link: {},
  set_run_note: {},
  stats: { ofRun: { all: bounds } },
  tenant: { ofTenant: { one: () => ['7'] }, only: 'operator' },
  tenant_line: { ofTenant: { one: (tenant) => [tenant ?? 7] } },
  trend_costs: {
    ofTenant: {
      '30 days by week': (tenant) => [
        tenant,
        'enrichment',
        'production',
        daysAgo(60),
        [28, 21, 14, 7].map(daysAgo),
        now,
        40,
      ],
      '8 weeks by day, every pipeline': (tenant) => [
        tenant,
        null,
        null,
        daysAgo(112),
        Array.from({ length: 56 }, (_, day) => daysAgo(56 - day)),
        now,
        40,
      ],
    },
  },
  timeline: {
    ofRun: { 'as pages ask': (run) => [...bounds(run), TIMELINE_STEPS, stepMs(run, TIMELINE_STEPS)] },
  },
  trend_points: {
    ofTenant: {
      '30 days by run': (tenant) => trend(tenant, 30, 'run', 500),
      '30 days by day': (tenant) => trend(tenant, 30, 'day', 500),
    },
  },
  trend_stages: {
    ofTenant: {
      '500 runs': (tenant) => trend(tenant, DAYS_SHOWN, 'run', pageStart(tenant)),
      '30 days by day': (tenant) => trend(tenant, 30, 'day', daysAgo(30)),
    },
  },
  trend_vendors: {
    ofTenant: {
      '500 runs': (tenant) => trend(tenant, DAYS_SHOWN, 'run', pageStart(tenant)),
      '30 days by day': (tenant) => trend(tenant, 30, 'day', daysAgo(30)),
    },
  },
};

/** As the API has it. */
function stepMs(run: BenchRun, steps: number): number {
  return Math.max(1, Math.ceil((Date.parse(run.lastAt) - Date.parse(run.firstAt) + 1) / steps));
}

/** All cases. @throws when a query of the API has no parameters here */
export async function queryCases(superuser: Pool): Promise<QueryCase[]> {
  const folder = fileURLToPath(new URL('../sql/queries/serve/', import.meta.url));
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -4));
  const missing = names.filter((name) => ASKED[name] === undefined);
  if (missing.length > 0) throw new Error(`bench/query_cases.ts does not know what to ask ${missing.join(', ')}`);
  const runs = { 'a run of 10,000': await tenThousand(superuser), 'the run of a million': await largeRun(superuser) };
  const cases = names.flatMap((name) => casesOf(name, ASKED[name] ?? {}, runs));
  const tenants = [MANY_RUNS_TENANT, FEW_RUNS_TENANT];
  return [
    ...cases,
    ...tenants.flatMap((tenantId) => dashboardCases(tenantId, tenantText(tenantId))),
    ...(await viewCases(superuser, tenants, tenantText)),
  ];
}

function casesOf(name: string, asked: Asked, runs: Record<string, BenchRun>): QueryCase[] {
  const query = `serve/${name}`;
  const sql = loadSql(`queries/serve/${name}`);
  const cases: QueryCase[] = [];
  for (const [what, parametersOf] of Object.entries(asked.ofTenant ?? {})) {
    const tenants = asked.only === 'operator' ? [null] : [MANY_RUNS_TENANT, FEW_RUNS_TENANT, null];
    for (const tenant of asked.only === 'reader' ? tenants.filter((one) => one !== null) : tenants) {
      cases.push({
        query,
        about: `${what}, ${tenantText(tenant)}`,
        sql,
        parameters: [...parametersOf(tenant)],
        as: tenant === null ? 'operator' : 'reader',
        tenantId: tenant ?? 0,
        limitMs: LIMIT_MS,
      });
    }
  }
  for (const [what, parametersOf] of Object.entries(asked.ofRun ?? {})) {
    for (const [label, run] of Object.entries(runs)) {
      const limitMs = run.runId === LARGE_RUN.runId ? LARGE_RUN_LIMIT_MS : LIMIT_MS;
      const parameters = [...parametersOf(run)];
      cases.push({ query, about: `${what}, ${label}`, sql, parameters, as: 'reader', tenantId: run.tenantId, limitMs });
    }
  }
  return cases;
}

function tenantText(tenant: number | null): string {
  if (tenant === null) return 'all tenants';
  return tenant === MANY_RUNS_TENANT ? 'tenant of 3,000 runs' : 'tenant of 300 runs';
}

async function tenThousand(superuser: Pool): Promise<BenchRun> {
  return findRun(superuser, `tenant_id = ${MANY_RUNS_TENANT} and run_id <> ${LARGE_RUN.runId}`);
}

async function largeRun(superuser: Pool): Promise<BenchRun> {
  return findRun(superuser, `run_id = ${LARGE_RUN.runId}`);
}

async function findRun(superuser: Pool, condition: string): Promise<BenchRun> {
  const { rows } = await superuser.query<BenchRun>(
    `select tenant_id as "tenantId", run_id::float8 as "runId", first_event_at::text as "firstAt", last_event_at::text as "lastAt",
       (stored_items + stored_vendor_calls)::int as events
     from public.enrichment_runs where ${condition} order by stored_items + stored_vendor_calls desc, run_id desc limit 1`,
  );
  const run = rows[0];
  if (run === undefined) throw new Error(`no run with ${condition}`);
  return run;
}
