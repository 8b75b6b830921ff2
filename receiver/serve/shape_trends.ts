/** What the API answers about many runs together: a tenant's overview, trends over weeks, and whether the numbers can be trusted. */

import { z } from 'zod';
import { tenantHold } from './shape_admin.ts';
import { costComplete, count, day, durationMs, id, money, rate, runName, time } from './shape_values.ts';

export const totals = z.object({
  runs: count,
  running: count,
  succeeded: count,
  failed: count,
  cancelled: count,
  abandoned: count,
  success_rate: rate.describe('succeeded / (succeeded + failed + abandoned)'),
  units: count.describe('Over all stages'),
  unit_errors: count,
  error_rate: rate.describe('unit_errors / units'),
  cost_usd: money,
  cost_complete: costComplete,
  tokens_input: count,
  tokens_output: count,
  candidates_considered: z.number().nullable(),
  candidates_selected: z.number().nullable(),
  items_delivered: z.number().nullable(),
  emails_found: z.number().nullable(),
  emails_verified: z.number().nullable(),
  bucket_high: z.number().nullable(),
  bucket_medium: z.number().nullable(),
  bucket_low: z.number().nullable(),
});
export type Totals = z.infer<typeof totals>;

const vendorTotals = z.object({
  vendor: z.string(),
  calls: count,
  errors: count,
  rate_limit_hits: count,
  quota_runs: count.describe('Runs in which its quota was exhausted'),
  tokens_input: count,
  tokens_output: count,
  cost_usd: money,
  cost_complete: costComplete,
});

/** GET /tenants/:tenant/overview: excluded runs count here; they took place and they cost. */
export const tenantOverview = z.object({
  tenant_id: id,
  name: z.string().nullable(),
  status: z.enum(['active', 'disabled']),
  last_run: runName.nullable(),
  days: count.describe('The totals are of runs that started in the last so many days'),
  totals,
  vendors: z.array(vendorTotals).describe('Most expensive first'),
  open_alerts: z.object({ firing: count, acked: count, snoozed: count }),
  qa: z.object({ reviewed: count, passed: count, pass_rate: rate }),
});
export type TenantOverview = z.infer<typeof tenantOverview>;

export const trendPoint = z.object({
  at: time.describe('Start of the run, or of the UTC day'),
  run: runName.nullable().describe('null with by=day'),
  duration_ms: durationMs.nullable().describe('With by=day the median of its ended runs'),
  qa_reviewed: count,
  qa_passed: count,
  ...totals.shape,
});
export type TrendPoint = z.infer<typeof trendPoint>;

/** GET /trends: oldest first. Every array of stages and vendors has one value a point. */
export const trends = z.object({
  by: z.enum(['run', 'day']),
  from: time,
  to: time,
  truncated: z.boolean().describe('true: there are more points; the newest 500 are here'),
  points: z.array(trendPoint),
  stages: z.array(
    z.object({
      stage: z.string(),
      p50_ms: z.array(z.number().nullable()).describe('null too with by=day over all tenants: name one'),
      p95_ms: z.array(z.number().nullable()),
      units: z.array(count),
      unit_errors: z.array(count),
    }),
  ),
  vendors: z.array(
    z.object({ vendor: z.string(), cost_usd: z.array(money), calls: z.array(count), errors: z.array(count) }),
  ),
});
export type Trends = z.infer<typeof trends>;

/** GET /ingest/health (admin) */
export const ingestHealth = z.object({
  at: time,
  receiver: z
    .object({
      started_at: time,
      queue_rows: count.describe('Rows that wait for a transaction'),
      committed_rows: count,
      duplicate_rows: count.describe('Resent and absorbed'),
      conflicts: count,
      refused: z.record(z.string(), count),
      held: z.record(z.string(), count).describe('Requests that a quota of their tenant sent back until later'),
      minutes: z
        .array(z.object({ at: time, rows: count }))
        .describe('Rows committed a minute, oldest first, 60 at most'),
    })
    .nullable()
    .describe('Of the process that answers, since it started'),
  last_received_at: time.nullable().describe('Over all running runs and those of the last two days'),
  refusals: z
    .array(z.object({ tenant_id: id, tenant_name: z.string().nullable(), day, reason: z.string(), spans: count }))
    .describe('Of the last 7 UTC days, newest and most first'),
  held: z.array(tenantHold).describe('Of the last 7 UTC days, newest first; 500 at most'),
  parked: z.array(
    z.object({ tenant_id: id, tenant_name: z.string().nullable(), reason: z.string(), rows: count, oldest_at: time }),
  ),
  derive: z.object({
    waiting_runs: count,
    overdue_runs: count.describe('Due for more than a minute'),
    lag_seconds: z.number().describe('How long the most overdue run has been due; 0: none is'),
  }),
  incomplete_runs: z
    .array(runName)
    .describe('Ended in the last 7 days, and not all that was sent is stored; 50 at most'),
  audits: z
    .array(
      z.object({
        audited_at: time,
        job: z.string(),
        difference: count,
        runs_checked: count,
        runs_sealed: count,
        sealed_difference: count,
      }),
    )
    .describe('The last 10, newest first'),
  retention: z.object({ floor_day: day, sealed_runs: count }),
});
export type IngestHealth = z.infer<typeof ingestHealth>;
