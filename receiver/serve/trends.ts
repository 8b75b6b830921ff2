/** GET /tenants/:id/overview and /trends: what many runs came to. */

import { z } from 'zod';
import { loadSql } from '../store/sql.ts';
import type { Queryable } from './access.ts';
import { overWeeks, tenantParams } from './input.ts';
import { Problem } from './problem.ts';
import { ratio } from './qa.ts';
import { readLine, readLines, readTenantId, resolveTenant } from './read.ts';
import { type Route, route } from './route.ts';
import {
  type TenantOverview,
  type Totals,
  type TrendPoint,
  type Trends,
  tenantOverview,
  trends as trendsShape,
} from './shape_trends.ts';

const OVERVIEW_DAYS = 30;
const POINTS_MAX = 500;
const WEEK_MS = 7 * 86_400_000;

const trendsQuery = z.strictObject({
  ...overWeeks,
  by: z.enum(['run', 'day']).default('run'),
});

export function trendRoutes(): Route[] {
  return [
    route({
      method: 'get',
      path: '/tenants/:id/overview',
      access: 'read',
      summary: 'A tenant, its last run, and what the runs of the last 30 days came to',
      params: tenantParams,
      answer: tenantOverview,
      handle: ({ params }, { scope, now }) =>
        scope.read(async (client) => {
          const tenantId = await readTenantId(client, params.id);
          if (tenantId === null) throw new Problem(404, `There is no tenant ${params.id}`);
          return readOverview(client, tenantId, now);
        }),
    }),
    route({
      method: 'get',
      path: '/trends',
      access: 'read',
      summary: 'What runs came to over weeks, a point a run or a UTC day; excluded runs are left out',
      query: trendsQuery,
      answer: trendsShape,
      handle: ({ query }, { scope, now }) =>
        scope.read(async (client) => readTrends(client, await resolveTenant(client, scope, query.tenant), query, now)),
    }),
  ];
}

type Metrics = Record<string, number | null>;
type CountedTotals = Omit<Totals, keyof ReturnType<typeof rates> | keyof ReturnType<typeof businessNumbers>>;

async function readOverview(client: Queryable, tenantId: number, now: Date): Promise<TenantOverview> {
  const { metrics, totals, qa, ...line } = await readLine<
    Omit<TenantOverview, 'totals' | 'qa' | 'open_alerts'> & {
      totals: CountedTotals;
      metrics: Metrics;
      qa: { reviewed: number; passed: number };
    }
  >(client, 'queries/serve/overview', [tenantId, OVERVIEW_DAYS, now]);
  return {
    ...line,
    totals: { ...totals, ...rates(totals), ...businessNumbers(metrics) },
    qa: { ...qa, pass_rate: ratio(qa.passed, qa.reviewed) },
    open_alerts: await readLine<TenantOverview['open_alerts']>(client, 'queries/serve/open_alerts', [tenantId]),
  };
}

function rates(counted: { succeeded: number; failed: number; abandoned: number; units: number; unit_errors: number }) {
  return {
    success_rate: ratio(counted.succeeded, counted.succeeded + counted.failed + counted.abandoned),
    error_rate: ratio(counted.unit_errors, counted.units),
  };
}

function businessNumbers(metrics: Metrics) {
  return {
    candidates_considered: metrics.candidates_considered ?? null,
    candidates_selected: metrics.candidates_selected ?? null,
    items_delivered: metrics.items_delivered ?? null,
    emails_found: metrics.emails_found ?? null,
    emails_verified: metrics.emails_verified ?? null,
    bucket_high: metrics.bucket_high ?? null,
    bucket_medium: metrics.bucket_medium ?? null,
    bucket_low: metrics.bucket_low ?? null,
  };
}

type PointLine = CountedTotals &
  Pick<TrendPoint, 'at' | 'run' | 'duration_ms' | 'qa_reviewed' | 'qa_passed'> & {
    metrics: Metrics;
    point_tenant_id: number | null;
    point_run_id: number | null;
  };

interface PartRow {
  at: Date;
  tenant_id: number | null;
  run_id: number | null;
}

async function readTrends(
  client: Queryable,
  tenantId: number | null,
  query: z.output<typeof trendsQuery>,
  now: Date,
): Promise<Trends> {
  const from = new Date(now.getTime() - query.weeks * WEEK_MS);
  const filters = [tenantId, query.pipeline ?? null, query.environment ?? null, from, now, query.by];
  const lines = await readLines<PointLine>(client, 'queries/serve/trend_points', [...filters, POINTS_MAX + 1]);
  const truncated = lines.length > POINTS_MAX;
  const shown = truncated ? lines.slice(1) : lines;
  const places = new Map(
    shown.map((line, place) => [placeKey(new Date(line.at), line.point_tenant_id, line.point_run_id), place]),
  );
  const parts = [...filters, shown[0]?.at ?? now];
  return {
    by: query.by,
    from: from.toISOString(),
    to: now.toISOString(),
    truncated,
    points: shown.map(({ metrics, point_tenant_id: _, point_run_id: __, ...line }) => ({
      ...line,
      ...rates(line),
      ...businessNumbers(metrics),
    })),
    stages: await readStages(client, parts, places, shown.length),
    vendors: await readVendors(client, parts, places, shown.length),
  };
}

function placeKey(at: Date, tenantId: number | null, runId: number | null): string {
  return runId === null ? String(at.getTime()) : `${tenantId}:${runId}`;
}

type StageRow = PartRow & {
  stage: string;
  units: number;
  unit_errors: number;
  p50_ms: number | null;
  p95_ms: number | null;
};

async function readStages(client: Queryable, values: unknown[], places: Map<string, number>, points: number) {
  const { rows } = await client.query<StageRow>(loadSql('queries/serve/trend_stages'), values);
  const stages = new Map<string, Trends['stages'][number]>();
  for (const row of rows) {
    const place = places.get(placeKey(row.at, row.tenant_id, row.run_id));
    if (place === undefined) continue;
    const stage = stages.get(row.stage) ?? {
      stage: row.stage,
      p50_ms: new Array<number | null>(points).fill(null),
      p95_ms: new Array<number | null>(points).fill(null),
      units: new Array<number>(points).fill(0),
      unit_errors: new Array<number>(points).fill(0),
    };
    stages.set(row.stage, stage);
    stage.p50_ms[place] = row.p50_ms;
    stage.p95_ms[place] = row.p95_ms;
    stage.units[place] = row.units;
    stage.unit_errors[place] = row.unit_errors;
  }
  return [...stages.values()].sort((a, b) => (a.stage < b.stage ? -1 : 1));
}

type VendorRow = PartRow & { vendor: string; cost_usd: string; calls: number; errors: number };

async function readVendors(client: Queryable, values: unknown[], places: Map<string, number>, points: number) {
  const { rows } = await client.query<VendorRow>(loadSql('queries/serve/trend_vendors'), values);
  const vendors = new Map<string, Trends['vendors'][number]>();
  for (const row of rows) {
    const place = places.get(placeKey(row.at, row.tenant_id, row.run_id));
    if (place === undefined) continue;
    const vendor = vendors.get(row.vendor) ?? {
      vendor: row.vendor,
      cost_usd: new Array<string>(points).fill('0'),
      calls: new Array<number>(points).fill(0),
      errors: new Array<number>(points).fill(0),
    };
    vendors.set(row.vendor, vendor);
    vendor.cost_usd[place] = row.cost_usd;
    vendor.calls[place] = row.calls;
    vendor.errors[place] = row.errors;
  }
  return [...vendors.values()].sort((a, b) => (a.vendor < b.vendor ? -1 : 1));
}
