/** What the API answers about a run's events: the rows themselves, failures by code, and both over time and duration. */

import { z } from 'zod';
import { count, durationMs, id, json, money, nextCursor, time } from './shape_values.ts';

/** A row of run_event_logs without the run it belongs to. */
export const eventLine = z.object({
  ts: time,
  span_id: z.string(),
  seq: z.int().describe("0 start, 1 the span's row, 2 and more its events, -1 a log record, -2 a QA draw"),
  kind: z.enum(['run', 'stage', 'item', 'vendor_call', 'event', 'log']),
  stage: z.string(),
  company_id: id.nullable().describe('The item; from 2^52 a hash of the text in extra.item_id'),
  event: z.string(),
  status: z.enum(['ok', 'error', 'skip', 'retry']),
  error_code: z.string().nullable(),
  duration_ms: durationMs.nullable(),
  vendor: z.string().nullable(),
  bucket: z.string().nullable(),
  calls: count,
  errors: count,
  units_total: count,
  units_success: count,
  units_error: count,
  rate_limit_hits: count,
  quota_exhausted: z.boolean(),
  cost_usd: money.nullable().describe('null on a vendor_call: not known, counted as unpriced'),
  tokens_input: count,
  tokens_output: count,
  price_id: z.string().nullable(),
  trace_id: z.string(),
  extra: json.nullable(),
  metrics: json.nullable(),
});
export type EventLine = z.infer<typeof eventLine>;

/** GET /runs/:run/events */
export const eventPage = z.object({
  run_id: id,
  tenant_id: id,
  trace_url: z
    .string()
    .nullable()
    .describe('Where an event can be looked at in Jaeger, {trace_id} to be filled in; null: no JAEGER_UI_URL'),
  events: z.array(eventLine),
  next_cursor: nextCursor,
});
export type EventPage = z.infer<typeof eventPage>;

export const errorGroup = z.object({
  error_code: z.string().nullable(),
  count: count.describe('Rows with status error'),
  items: count.describe('Different items among them'),
  first_at: time,
  last_at: time,
  kinds: z.record(z.string(), count),
  stages: z.record(z.string(), count),
  vendors: z.record(z.string(), count),
  examples: z.array(eventLine).describe('The first three, items before vendor calls before others'),
});
export type ErrorGroup = z.infer<typeof errorGroup>;

/** GET /runs/:run/errors */
export const runErrors = z.object({
  run_id: id,
  tenant_id: id,
  total: count.describe('Rows with status error'),
  codes: count.describe('Different codes; groups holds the 50 most frequent'),
  groups: z.array(errorGroup),
});
export type RunErrors = z.infer<typeof runErrors>;

/** GET /runs/:run/timeline: how much of what finished when. Arrays have one number a step. */
export const runTimeline = z.object({
  run_id: id,
  tenant_id: id,
  from: time.nullable().describe('Start of the first step; null: the run has no events'),
  to: time.nullable(),
  step_ms: z.number().describe('Length of a step; steps are at most 240'),
  steps: count,
  stages: z.array(
    z.object({
      stage: z.string(),
      items_ok: z.array(count),
      items_error: z.array(count),
      items_skip: z.array(count),
      vendor_calls: z.array(count),
      vendor_errors: z.array(count),
      vendor_ms: z.array(count).describe('Milliseconds spent in calls that ended in the step'),
    }),
  ),
});
export type RunTimeline = z.infer<typeof runTimeline>;

/** GET /runs/:run/durations: histograms of a stage's durations, or a vendor's, from the events or, once these are gone, the trend buckets. */
export const runDurations = z.object({
  run_id: id,
  tenant_id: id,
  stage: z.string().nullable(),
  vendor: z.string().nullable(),
  duration_class: z.string().nullable(),
  samples: count,
  bins: z
    .array(z.object({ from_ms: z.number(), to_ms: z.number(), count }))
    .describe(
      'Ascending; a bin holds durations from from_ms (inclusive) to to_ms (exclusive); empty ones are left out',
    ),
});
export type RunDurations = z.infer<typeof runDurations>;
