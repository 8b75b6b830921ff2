/** What the API answers about alerts, their deliveries and runbooks. */

import { z } from 'zod';
import { count, id, nextCursor, runName, time } from './shape_values.ts';

export const ALERT_STATES = ['firing', 'acked', 'snoozed', 'resolved'] as const;
export const severity = z.enum(['warn', 'page']);

export const alertLine = z.object({
  alert_id: id,
  tenant_id: id.describe('0: the installation'),
  tenant_name: z.string().nullable(),
  rule: z.string(),
  code: z.string().describe('Of the runbook, as in CR-02'),
  title: z.string().describe('What the rule watches'),
  environment: z.string(),
  pipeline: z.string(),
  subject: z.string().describe('What of the pipeline: a stage, vendor, metric, ...; empty: the run itself'),
  severity,
  state: z.enum(ALERT_STATES),
  numbers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  fired_at: time,
  last_bad_at: time,
  reminded_at: time.nullable(),
  acked_at: time.nullable(),
  acked_by: z.string().nullable(),
  snoozed_until: time.nullable(),
  snoozed_by: z.string().nullable(),
  note: z.string().nullable(),
  resolved_at: time.nullable(),
  resolved_because: z.string().nullable(),
  run: runName.nullable().describe('The newest run for which it was bad'),
  resolved_run_id: id.nullable(),
});
export type AlertLine = z.infer<typeof alertLine>;

/** GET /alerts: firing, acked, snoozed, resolved; within each the newest first. */
export const alertPage = z.object({
  alerts: z.array(alertLine),
  next_cursor: nextCursor,
  open: z
    .object({ firing: count, acked: count, snoozed: count })
    .describe('All that the caller may see, whatever the filters'),
});
export type AlertPage = z.infer<typeof alertPage>;

export const delivery = z.object({
  delivery_id: id,
  channel: z.string(),
  event: z.enum(['fired', 'escalated', 'reminder', 'resolved', 'test']),
  event_at: time,
  state: z.enum(['pending', 'sent', 'dead']),
  attempts: count,
  next_attempt_at: time,
  last_error: z.string().nullable(),
  in_digest: z.boolean(),
  created_at: time,
  finished_at: time.nullable(),
});
export type Delivery = z.infer<typeof delivery>;

/** GET /alerts/:alert */
export const alertDetail = alertLine.extend({
  deliveries: z.array(delivery).describe('Oldest first'),
  acts: z
    .array(z.object({ at: time, actor: z.string(), act: z.string(), reason: z.string().nullable() }))
    .describe('What people did about it, oldest first'),
  links: z.object({
    runbook: z.string().describe('A path of this API'),
    run: z.string().nullable().describe('A path of this API'),
    jaeger: z.string().nullable(),
    langsmith: z.string().nullable(),
  }),
});
export type AlertDetail = z.infer<typeof alertDetail>;

/** GET /runbooks; GET /runbooks/:code is Markdown. */
export const runbookList = z.object({ runbooks: z.array(z.object({ code: z.string(), title: z.string() })) });
export type RunbookList = z.infer<typeof runbookList>;
