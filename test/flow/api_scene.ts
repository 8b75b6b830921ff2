/** Two tenants with everything that the API can show: runs of several nights, QA samples, alerts with deliveries, refusals, parked rows, acts. */

import type pg from 'pg';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { seedRun } from './api_seed.ts';
import { TENANT_A, TENANT_B } from './api_server.ts';

export const KEYED_RUN = 2 ** 52 + 17;
export const KEY_OF_B = 'night/of b';
export const HOUR_MS = 3_600_000;

export interface Scene {
  /** Newest first, of each tenant. */
  nights: Date[];
  /** The same number for both tenants in the newest night. */
  runId: number;
  /** Ids of one open alert each. */
  alertOf: Record<'a' | 'b', number>;
  /** An item of both tenants' newest run that is a sample. */
  item: number;
}

/** @param owner speaks as runledger_owner */
export async function seedScene(owner: pg.Pool): Promise<Scene> {
  const today = new Date(new Date().toISOString().slice(0, 10));
  const nights = [1, 2, 3, 4].map((ago) => new Date(today.getTime() - ago * 24 * HOUR_MS + 90 * 60_000));
  for (const [index, startedAt] of nights.entries()) {
    const runId = 4711 - index;
    await seedRun(owner, { tenantId: TENANT_A, runId, startedAt, status: index === 0 ? 'failed' : 'succeeded' });
    await seedRun(owner, { tenantId: TENANT_B, runId, startedAt });
  }
  await seedRun(owner, { tenantId: TENANT_B, runId: KEYED_RUN, runKey: KEY_OF_B, startedAt: nights[0] ?? today });
  await deriveDue(owner, { now: new Date(Date.now() + HOUR_MS) });
  const alertOf = { a: await seedTenant(owner, TENANT_A), b: await seedTenant(owner, TENANT_B) };
  await owner.query(INSTALLATION);
  return { nights, runId: 4711, alertOf, item: 500 };
}

async function seedTenant(owner: pg.Pool, tenantId: number): Promise<number> {
  await owner.query(SAMPLES, [tenantId]);
  const { rows } = await owner.query<{ alert_id: number }>(ALERTS, [tenantId]);
  const [open] = rows;
  if (open === undefined) throw new Error('No alert was stored');
  await owner.query(AROUND, [tenantId, open.alert_id]);
  return open.alert_id;
}

const SAMPLES = `
insert into qa_samples (run_id, tenant_id, company_id, bucket, result, reviewer, reviewed_at, created_at, facts)
select r.run_id, r.tenant_id, 500 + n, 'High', case when n < 3 then 'needs_review' when n < 8 then 'pass' else 'fail' end,
  case when n >= 3 then 'Reviewer of ' || r.tenant_id end, case when n >= 3 then r.ended_at + interval '1 hour' end, r.ended_at + interval '1 minute',
  jsonb_build_object('events_total', n, 'events', '[]'::jsonb)
from enrichment_runs r, generate_series(0, 9) n
where r.tenant_id = $1 and r.run_id in (4710, 4711)`;

const ALERTS = `
insert into runledger.alerts (tenant_id, rule, code, environment, pipeline, subject, severity, state, run_id, numbers, fired_at, last_bad_at, acked_at,
  acked_by, resolved_at, resolved_because)
select $1::int, s.rule, s.code, 'production', 'nightly_enrichment', 'secret-of-' || $1::int, s.severity, s.state, 4711, '{"value": 0.42, "limit": 0.3}',
  now() - s.age, now(), case when s.state = 'acked' then now() end, case when s.state = 'acked' then 'Ana' end,
  case when s.state = 'resolved' then now() end, case when s.state = 'resolved' then 'good' end
from (values
  ('crawl_error_rate', 'CR-02', 'page', 'firing', interval '1 hour'),
  ('run_failed', 'RF-07', 'page', 'firing', interval '2 hours'),
  ('vendor_limits', 'VQ-03', 'warn', 'acked', interval '3 hours'),
  ('cost_budget', 'CB-10', 'warn', 'resolved', interval '4 hours')
) as s (rule, code, severity, state, age)
order by s.age
returning alert_id`;

const AROUND = `
with delivered as (
  insert into runledger.alert_deliveries (tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, state, attempts,
    next_attempt_at, created_at, finished_at)
  values ($1::int, $2::bigint, 0, 'slack', 'fired', now(), '{}', 'sent', 1, now(), now(), now())
), acted as (
  insert into runledger.acts (tenant_id, actor, act, object, reason, details)
  values ($1::int, 'Ana of ' || $1::int, 'alert_ack', 'alert ' || $2::bigint, 'seen', '{"token_id": 1}')
), expected as (
  insert into runledger.expected_runs (tenant_id, pipeline, environment, due_at, start_by)
  values ($1::int, 'nightly_enrichment', 'production', now() + interval '5 hours', now() + interval '6 hours')
), refused as (
  insert into runledger.refusals (tenant_id, day, reason, spans) values ($1::int, (now() at time zone 'UTC')::date, 'no_time', 3)
)
insert into runledger.qa_settings (tenant_id, bucket, sample_limit, checks) values ($1::int, 'medium', $1::int, '{"fits": false}')`;

const INSTALLATION = `
insert into runledger.audit_results (audited_at, job, difference, runs_checked, runs_sealed, sealed_difference) values (now(), 'audit', 0, 9, 0, 0)`;
