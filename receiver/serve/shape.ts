/**
 * What the API answers about runs: zod schemas, from which the types, /openapi.json and the tests of the answers follow. The other shapes
 * are in shape_events, shape_qa, shape_alerts, shape_trends and shape_admin. Times are ISO 8601 text, money is decimal text in US dollars.
 */

import { z } from 'zod';
import { modelUsage } from './shape_costs.ts';
import {
  costComplete,
  count,
  durationMs,
  id,
  json,
  money,
  nextCursor,
  percentiles,
  runStatus,
  time,
} from './shape_values.ts';

export const runLine = z.object({
  run_id: id,
  tenant_id: id,
  tenant_name: z.string().nullable().describe('null for a tenant that has a number only'),
  run_key: z.string().nullable(),
  pipeline: z.string().nullable(),
  environment: z.string().nullable(),
  pipeline_version: z.string().nullable(),
  status: runStatus,
  degraded: z.boolean().describe('The run said so, or it succeeded with a stage in error'),
  complete: z.boolean().nullable().describe('Whether all that the sender says it sent is stored; null: it did not say'),
  excluded: z.boolean().describe('An operator left it out of baselines and alerts'),
  note: z.string().nullable().describe('What an operator noted'),
  started_at: time.nullable(),
  ended_at: time.nullable(),
  duration_ms: z.int().nullable(),
  last_event_at: time.nullable(),
  trace_id: z.string().nullable(),
  langsmith_trace_url: z.string().nullable(),
});
export type RunLine = z.infer<typeof runLine>;

/** What a run came to, beside what it is. */
export const runTotals = z.object({
  stages: count,
  stage_errors: count.describe('Failed units over all stages'),
  items: count.describe('Units of the stage that had most of them'),
  items_delivered: z.number().nullable().describe('The business number of that name; null: the run stated none'),
  cost_usd: money,
  cost_complete: costComplete,
  open_alerts: count.describe('Alerts not resolved whose newest bad run this is'),
  usual_duration_ms: durationMs.nullable().describe('Median of usual_runs; null without any'),
  usual_runs: count.describe(
    'How many earlier runs say what is usual: the last 10 that succeeded and were not excluded, of the same tenant, pipeline and environment',
  ),
});
export type RunTotals = z.infer<typeof runTotals>;

export const listedRun = runLine.extend(runTotals.shape);
export type ListedRun = z.infer<typeof listedRun>;

/** GET /runs */
export const runPage = z.object({ runs: z.array(listedRun), next_cursor: nextCursor });
export type RunPage = z.infer<typeof runPage>;

export const runCounts = z.object({ stages: count, items: count, vendor_calls: count });
export type RunCounts = z.infer<typeof runCounts>;

export const run = runLine.extend({
  first_event_at: time.nullable(),
  last_received_at: time.nullable(),
  derived_at: time.nullable().describe('When the percentiles were last computed'),
  sent: runCounts.extend({ dropped: count }).nullable().describe('null: the sender did not say what it sent'),
  stored: runCounts,
  resource: json.nullable(),
});
export type Run = z.infer<typeof run>;

export const links = z.object({ jaeger: z.string().nullable(), langsmith: z.string().nullable() });

/** GET /runs/:run */
export const runDetail = run.extend(runTotals.shape).extend({ links });
export type RunDetail = z.infer<typeof runDetail>;

export const stageStats = z.object({
  stage: z.string(),
  status: z.string().nullable(),
  started_at: time.nullable(),
  ended_at: time.nullable(),
  duration_ms: durationMs,
  count_total: count,
  count_success: count,
  count_error: count,
  retry_count: count,
  fallback_count: count,
  ...percentiles,
  duration_class: z.string().nullable().describe('Over what the percentiles are: item, vendor_call or stage'),
  cost_usd: money,
  cost_complete: z.boolean().nullable().describe('null: no longer known, the events are gone'),
  tokens_input: count,
  tokens_output: count,
});
export type StageStats = z.infer<typeof stageStats>;

export const vendorUsage = z.object({
  vendor: z.string(),
  calls: count,
  errors: count,
  rate_limit_hits: count,
  quota_exhausted: z.boolean(),
  tokens_input: count,
  tokens_output: count,
  cost_usd: money,
  cost_complete: costComplete,
  unpriced_calls: count,
  unpriced_tokens: count,
  ...percentiles,
});
export type VendorUsage = z.infer<typeof vendorUsage>;

/** GET /runs/:run/stats */
export const runStats = z.object({
  run_id: id,
  tenant_id: id,
  stage_stats: z.array(stageStats),
  vendor_usage: z.array(vendorUsage),
  model_usage: z
    .array(modelUsage)
    .describe('The same by model, as of the last derive: of a running run it may be some seconds behind'),
});
export type RunStats = z.infer<typeof runStats>;

/** GET /runs/:run/metrics */
export const runMetrics = z.object({ run_id: id, tenant_id: id, metrics: z.record(z.string(), z.number()) });
export type RunMetrics = z.infer<typeof runMetrics>;

/** One thing of two runs, side by side; null where a run has none of it. */
const pair = <T extends z.ZodType>(of: T) => ({ run: of.nullable(), with: of.nullable() });

/** GET /runs/:run/compare?with= : differences are the reader's to form, run minus with. */
export const runComparison = z.object({
  run: listedRun,
  with: listedRun.describe('The run that with named, or the one before'),
  stages: z.array(z.object({ stage: z.string(), ...pair(stageStats) })),
  vendors: z.array(z.object({ vendor: z.string(), ...pair(vendorUsage) })),
  metrics: z.array(z.object({ name: z.string(), ...pair(z.number()) })),
});
export type RunComparison = z.infer<typeof runComparison>;

/** GET /pipelines: the front page's lines, one a tenant, pipeline and environment that had a run in the last 30 days. */
export const pipelinePage = z.object({
  pipelines: z.array(
    z.object({
      tenant_id: id,
      tenant_name: z.string().nullable(),
      pipeline: z.string().nullable(),
      environment: z.string().nullable(),
      last_run: listedRun,
      recent: z
        .array(
          z.object({
            run_id: id,
            status: runStatus,
            degraded: z.boolean(),
            excluded: z.boolean(),
            started_at: time.nullable(),
            duration_ms: z.int().nullable(),
          }),
        )
        .describe('The last 14 runs, oldest first'),
      firing: z.array(
        z.object({ alert_id: id, code: z.string(), severity: z.enum(['warn', 'page']), subject: z.string() }),
      ),
      next_due_at: time.nullable().describe('By its schedule; null: it has none'),
    }),
  ),
});
export type PipelinePage = z.infer<typeof pipelinePage>;
