/** The values that answers are made of, as JSON carries them. Each shape built on them is a zod schema, for the API's document and its tests, and a type. */

import { z } from 'zod';

/** ISO 8601 in UTC with up to microseconds, as PostgreSQL writes it into JSON. */
export const time = z
  .string()
  .regex(/^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(\+00:00|Z)$/)
  .describe('ISO 8601 in UTC, up to microseconds');

/** UTC day. */
export const day = z.string().regex(/^\d{4,6}-\d\d-\d\d$/);

/** US dollars, because a float would lose cents. */
export const money = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .describe('US dollars as decimal text');

export const costComplete = z.boolean().describe('false: some usage had no known price, the cost is "at least"');
export const id = z.int().min(0);
export const count = z.int().min(0);
export const durationMs = z.int().min(0);
/** 0 to 1; null where nothing was counted. */
export const rate = z.number().min(0).max(1).nullable();
export const json = z.record(z.string(), z.unknown());
export const nextCursor = z
  .string()
  .nullable()
  .describe('Pass it as cursor for the next page; null: this was the last');

export const RUN_STATUSES = ['running', 'succeeded', 'failed', 'cancelled', 'abandoned'] as const;
export const runStatus = z.enum(RUN_STATUSES);

/** Milliseconds; null over no samples. */
export const percentiles = {
  p50_ms: durationMs.nullable(),
  p95_ms: durationMs.nullable(),
  p99_ms: durationMs.nullable(),
  duration_samples: count,
};

/** What names a run on a line about something else. */
export const runName = z.object({
  run_id: id,
  tenant_id: id,
  run_key: z.string().nullable(),
  pipeline: z.string().nullable(),
  environment: z.string().nullable(),
  status: runStatus,
  degraded: z.boolean(),
  started_at: time.nullable(),
  ended_at: time.nullable(),
});
export type RunName = z.infer<typeof runName>;
