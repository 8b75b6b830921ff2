/** What the API answers about QA: samples to check, how far the checking is, and what is drawn. */

import { z } from 'zod';
import { count, id, json, nextCursor, rate, runName, time } from './shape_values.ts';

export const QA_RESULTS = ['pass', 'fail', 'needs_review'] as const;
export const checks = z.record(z.string(), z.boolean());

export const qaSample = z.object({
  run_id: id,
  tenant_id: id,
  tenant_name: z.string().nullable(),
  company_id: id,
  item: z.string().describe("The item's text, or its number"),
  bucket: z.string(),
  checks: checks.describe('The checklist: names and whether they hold'),
  result: z.enum(QA_RESULTS),
  notes: z.string().nullable(),
  reviewer: z.string().nullable(),
  reviewed_at: time.nullable(),
  created_at: time,
  facts: json.nullable().describe("The item's events (50 at most), costs and links at the draw"),
  run: runName.nullable(),
});
export type QaSample = z.infer<typeof qaSample>;

export const qaProgress = z.object({
  total: count,
  reviewed: count,
  passed: count,
  failed: count,
  pass_rate: rate.describe('passed / reviewed; null: none reviewed'),
});
export type QaProgress = z.infer<typeof qaProgress>;

/** GET /qa: newest draw first. */
export const qaPage = z.object({
  samples: z.array(qaSample),
  next_cursor: nextCursor,
  progress: qaProgress.describe('Of all samples that the filters but result leave, not of this page'),
});
export type QaPage = z.infer<typeof qaPage>;

/** GET /qa/summary */
export const qaSummary = z.object({
  progress: qaProgress,
  by_run: z.array(z.object({ run: runName, ...qaProgress.shape })).describe('The 50 newest runs with samples'),
  by_reviewer: z.array(z.object({ reviewer: z.string(), ...qaProgress.shape })),
  by_check: z.array(z.object({ check: z.string(), held: count, reviewed: count })).describe('Of the runs in by_run'),
});
export type QaSummary = z.infer<typeof qaSummary>;

export const qaSetting = z.object({
  tenant_id: id.describe('0: everybody without a line of their own'),
  tenant_name: z.string().nullable(),
  bucket: z.string(),
  sample_limit: count,
  checks,
});
export type QaSetting = z.infer<typeof qaSetting>;

/** GET /qa/settings */
export const qaSettings = z.object({ settings: z.array(qaSetting) });
