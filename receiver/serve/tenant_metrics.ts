/**
 * GET /metrics/tenants: what the latest runs of each tenant came to, as gauges for Prometheus. Unlike the receiver's own metrics these name
 * tenants, so that they go through the API's tokens and the database's walls, and they are read from the ledger at each scrape.
 */

import { z } from 'zod';
import { tenantRef } from './input.ts';
import { type Family, METRICS_CONTENT_TYPE, prometheusText } from './prometheus_text.ts';
import { readHolds } from './quotas.ts';
import { readLine, resolveTenant } from './read.ts';
import { type Asked, type Route, route } from './route.ts';
import type { TenantHold } from './shape_admin.ts';

/** How many series there can be: those of the newest tenants, their newest pipelines, and the vendors that cost most. */
const HOLDS_MAX = 600;
const BOUNDS = { days: 30, tenants: 200, linesOfTenant: 20, vendorsOfTenant: 20 };

interface LineLabels {
  tenant: string;
  pipeline: string;
  environment: string;
}

/** The latest run that ended; all null where none has yet. */
interface LatestRun {
  success: number | null;
  degraded: number | null;
  duration_seconds: number | null;
  cost_usd: number | null;
  cost_complete: number | null;
  items: number | null;
  errors: number | null;
  last_end_seconds: number | null;
}

interface Line extends LineLabels, LatestRun {
  last_success_seconds: number | null;
  running: number;
}

interface VendorLine extends LineLabels {
  vendor: string;
  calls: number;
  errors: number;
  rate_limit_hits: number;
  quota_exhausted: number;
  cost_usd: number;
}

interface TenantMetrics {
  lines: Line[];
  vendors: VendorLine[];
  alerts: { tenant: string; code: string; severity: string; state: string; alerts: number }[];
  held: TenantHold[];
  tenants_left_out: number;
  pipelines_left_out: number;
  vendors_left_out: number;
}

type Figures<L> = { [K in keyof L]: L[K] extends number | null ? K : never }[keyof L];

const OF_LINE: readonly [Figures<Line>, string, string][] = [
  ['success', 'runledger_run_success', 'Whether the latest run that ended succeeded'],
  ['degraded', 'runledger_run_degraded', 'Whether the latest run that ended was degraded'],
  ['duration_seconds', 'runledger_run_duration_seconds', 'From the start to the end of the latest run that ended'],
  ['cost_usd', 'runledger_run_cost_usd', 'What the latest run that ended cost over all vendors'],
  ['cost_complete', 'runledger_run_cost_complete', 'Whether all of that cost is known; 0: it is a lower bound'],
  ['items', 'runledger_run_items', 'Items of the latest run that ended, in the stage that had most'],
  ['errors', 'runledger_run_errors', 'Failed items and units of the latest run that ended, over all stages'],
  ['last_success_seconds', 'runledger_run_last_success_timestamp_seconds', 'When a run last succeeded'],
  ['last_end_seconds', 'runledger_run_last_end_timestamp_seconds', 'When the latest run that ended was over'],
  ['running', 'runledger_runs_running', 'Runs that go on'],
];

const OF_VENDOR: readonly [Figures<VendorLine>, string, string][] = [
  ['calls', 'runledger_vendor_calls', 'Calls to a vendor by the latest run that ended'],
  ['errors', 'runledger_vendor_errors', 'Failed calls to a vendor by the latest run that ended'],
  ['rate_limit_hits', 'runledger_vendor_rate_limit_hits', 'Rate limits of a vendor met by the latest run that ended'],
  ['quota_exhausted', 'runledger_vendor_quota_exhausted', 'Whether a vendor refused the latest run for its quota'],
  ['cost_usd', 'runledger_vendor_cost_usd', 'Cost of a vendor in the latest run that ended'],
];

export function tenantMetricsRoutes(): Route[] {
  return [
    route<z.ZodType, typeof metricsQuery, z.ZodType, z.ZodType>({
      method: 'get',
      path: '/metrics/tenants',
      access: 'read',
      summary: 'The latest runs, their vendors and open alerts, for Prometheus',
      query: metricsQuery,
      answer: { mediaType: 'text/plain', description: 'Prometheus text format 0.0.4' },
      async handle({ query }, { scope, now, res }: Asked) {
        const metrics = await scope.read(async (client) => {
          const tenantId = await resolveTenant(client, scope, query.tenant);
          const { days, tenants, linesOfTenant, vendorsOfTenant } = BOUNDS;
          const values = [tenantId, now, days, tenants, linesOfTenant, vendorsOfTenant];
          const line = await readLine<Omit<TenantMetrics, 'held'>>(client, 'queries/serve/tenant_metrics', values);
          return { ...line, held: await readHolds(client, tenantId, now.toISOString().slice(0, 10), HOLDS_MAX) };
        });
        res.set('Content-Type', METRICS_CONTENT_TYPE).send(prometheusText(familiesOf(metrics)));
        return undefined;
      },
    }),
  ];
}

const metricsQuery = z.strictObject({ tenant: tenantRef.optional() });

function familiesOf(metrics: TenantMetrics): Family[] {
  const leftOut = (name: string, help: string, value: number) => ({ name, help, samples: [{ labels: {}, value }] });
  return [
    ...OF_LINE.map(([figure, name, help]) => ({
      name,
      help,
      samples: metrics.lines.map((line) => ({ labels: labelsOf(line), value: line[figure] })),
    })),
    ...OF_VENDOR.map(([figure, name, help]) => ({
      name,
      help,
      samples: metrics.vendors.map((line) => ({
        labels: { ...labelsOf(line), vendor: line.vendor },
        value: line[figure],
      })),
    })),
    {
      name: 'runledger_alerts_open',
      help: 'Alerts that are not resolved: firing, acked or snoozed',
      samples: metrics.alerts.map(({ alerts, ...labels }) => ({ labels, value: alerts })),
    },
    {
      name: 'runledger_tenant_held_requests',
      help: 'Requests that a quota of their tenant sent back until later, on this UTC day',
      samples: metrics.held.map(({ tenant_id, tenant_name, quota, requests }) => ({
        labels: { tenant: tenant_name ?? String(tenant_id), quota },
        value: requests,
      })),
    },
    leftOut('runledger_tenants_left_out', 'Tenants beyond the newest 200', metrics.tenants_left_out),
    leftOut(
      'runledger_pipelines_left_out',
      'Pipelines beyond the newest 20 of their tenant, environments apart',
      metrics.pipelines_left_out,
    ),
    leftOut(
      'runledger_vendors_left_out',
      'Vendors of runs beyond the 20 most expensive of their tenant, together vendor _other',
      metrics.vendors_left_out,
    ),
  ];
}

function labelsOf({ tenant, pipeline, environment }: LineLabels): Record<string, string> {
  return { tenant, pipeline, environment };
}
