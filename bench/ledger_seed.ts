/**
 * A ledger of a size that benches ask about: 100 tenants, 10,000 runs over the last thirty days, ten million events, one run of a million.
 * Events are made by SQL from the numbers of their run, so that every seed is the same; counters are the recounted ones, and percentiles,
 * trend buckets and QA draws come from derive itself.
 */
import type { Pool } from 'pg';
import { deriveDue } from '../receiver/derive/derive_due.ts';

export interface SeedSize {
  runs: number;
  /** Multiplies the events of each ordinary run, which are 900 on average, 10,000 at most. */
  eventsFactor: number;
  /** Of the one large run; 0: none. */
  largeRunEvents: number;
  /** All runs of one tenant instead of 100. */
  oneTenant: boolean;
  /** Percentiles by one statement instead of a derive of each run: no trend buckets and no QA samples, in a tenth of the time. */
  isQuick?: boolean;
}

export const LARGE_RUN = { tenantId: 1, runId: 1_000_000 };
const DAYS = 30;

/** @param superuser, owner on an empty migrated database. @param say gets a line a step */
export async function seedLedger(
  { superuser, owner }: { superuser: Pool; owner: Pool },
  size: SeedSize,
  say: (line: string) => void,
): Promise<void> {
  const step = async (name: string, work: () => Promise<unknown>) => {
    const startedMs = performance.now();
    await work();
    say(`${name}: ${Math.round((performance.now() - startedMs) / 1000)} s`);
  };
  await owner.query(`select runledger.ensure_partitions(current_date - ${DAYS + 1}, current_date + 1)`);
  await superuser.query(PLAN, [size.runs, size.eventsFactor, size.largeRunEvents, size.oneTenant]);
  await superuser.query('insert into runledger.tenants (tenant_id) select distinct tenant_id from bench_runs');
  await step('events', () => storeEvents(superuser));
  await step('vacuum', () => superuser.query('vacuum analyze public.run_event_logs'));
  await step('runs', () => superuser.query(RUNS));
  for (const [table, query] of Object.entries(COUNTERS)) await step(table, () => superuser.query(query));
  await step('derive', async () => {
    if (size.isQuick === true) for (const query of QUICK_DERIVE) await superuser.query(query);
    else {
      const { failures } = await deriveDue(owner, { all: true });
      if (failures.length > 0) throw failures[0]?.error;
    }
  });
  await step('beside', async () => {
    for (const query of BESIDE) await superuser.query(query);
  });
  await step('vacuum', () => superuser.query('vacuum analyze'));
}

/** Tenant after tenant, so that each run's rows lie together, as they do when a run is received. */
async function storeEvents(superuser: Pool): Promise<void> {
  const { rows } = await superuser.query<{ ids: string[] }>(
    `select array_agg(run_id::text order by started_at) as ids from bench_runs group by date_trunc('day', started_at) order by min(started_at)`,
  );
  for (const { ids } of rows) await superuser.query(EVENTS, [ids]);
}

/** A number in [0, 1) from two numbers, the same at every seed. */
const part = (of: string, salt: number) => `((hashint8extended(${of}, ${salt}) & 1048575)::double precision / 1048576)`;

/** $1 runs, $2 factor, $3 events of the large run, $4 one tenant. Of 10,000 runs one tenant has 3,000, nine have 300 each, ninety 48. */
const PLAN = `
create unlogged table bench_runs as
select
  i::bigint as run_id,
  case when $4::boolean then 1 when i % 100 < 30 then 1 when i % 100 < 57 then 2 + i % 9 else 11 + i / 100 % 90 end as tenant_id,
  (array['enrichment', 'rescoring', 'export'])[1 + i % 3] as pipeline,
  case when i % 11 = 0 then 'staging' else 'production' end as environment,
  case when ${part('i', 1)} < 0.05 then 'failed' when ${part('i', 1)} < 0.06 then 'cancelled' else 'succeeded' end as status,
  greatest(40, $2::double precision * case
    when ${part('i', 2)} < 0.55 then 100 + 200 * ${part('i', 3)}
    when ${part('i', 2)} < 0.83 then 500 + 600 * ${part('i', 3)}
    when ${part('i', 2)} < 0.97 then 1500 + 1000 * ${part('i', 3)}
    else 10000 end)::int as events,
  date_trunc('day', now()) - interval '${DAYS} days' + i::double precision / $1::int * interval '${DAYS} days' as started_at,
  (10 + 80 * ${part('i', 4)}) * interval '1 minute' as duration
from generate_series(1, $1::int - 1) i
union all
select ${LARGE_RUN.runId}, ${LARGE_RUN.tenantId}, 'enrichment', 'production', 'succeeded', $3::int,
  date_trunc('day', now()) - interval '2 days', interval '6 hours'
where $3::int > 0`;

/**
 * $1 run_ids. The run and its five stages take twelve rows, the rest are items and vendor calls in turn with some retries. The run's own
 * row states its metrics and what was sent.
 */
const EVENTS = `
insert into public.run_event_logs (run_id, tenant_id, stage, company_id, event, status, error_code, duration_ms, trace_id, extra, ts,
  span_id, seq, kind, vendor, calls, errors, units_total, units_success, units_error, rate_limit_hits, quota_exhausted, cost_usd,
  tokens_input, tokens_output, bucket, metrics)
select
  r.run_id, r.tenant_id,
  case when k.kind = 'run' then '_run' when k.kind = 'stage' then (array['mv_refresh', 'select_targets', 'crawl', 'score', 'export_odoo'])[(i - 3) / 2 + 1]
    else p.stage end,
  case when k.kind in ('item', 'vendor_call') then 1000 + i / 2 end,
  case when k.kind = 'vendor_call' then 'vendor_call' when k.kind = 'event' then 'retry' when k.is_start then 'start'
    when k.status = 'error' then 'error' else 'finish' end,
  k.status,
  case when k.status = 'error' then (array['timeout', 'http_500', 'http_403', 'dns', 'robots', 'parse', 'rate_limited', 'no_contact'])[1 + (8 * h.d)::int % 8] end,
  case when k.is_start then null when k.kind in ('run', 'stage') then (extract(epoch from r.duration) * 1000 / 5)::int
    else (20 * exp(6 * h.b * h.b))::int end,
  md5(r.run_id::text),
  case when k.kind = 'vendor_call' and p.vendor = 'openai' then jsonb_build_object('model', 'gpt-4o-mini', 'attempt', 1 + i % 3)
    when k.kind = 'item' then jsonb_build_object('domain', 'company-' || (i / 2) || '.example') end,
  r.started_at + case when k.is_start then (i - 1) * interval '1 millisecond' when k.kind in ('run', 'stage') then r.duration * (0.9 + i * 0.005)
    else r.duration * (0.9 * i / r.events) end,
  lpad(to_hex(i), 16, '0'),
  case when k.is_start then 0 when k.kind = 'event' then 2 else 1 end,
  k.kind,
  case when k.kind = 'vendor_call' then p.vendor end,
  (k.kind = 'vendor_call')::int, (k.kind = 'vendor_call' and k.status = 'error')::int,
  u.units, case when k.status = 'ok' then u.units else 0 end, case when k.status = 'error' then u.units else 0 end,
  (k.kind = 'vendor_call' and h.c < 0.002)::int, k.kind = 'vendor_call' and h.c < 0.00001,
  case when k.kind = 'vendor_call' and h.c < 0.98 then round((0.0001 + 0.004 * h.b)::numeric, 6) end,
  case when k.kind = 'vendor_call' and p.vendor = 'openai' then 300 + (900 * h.b)::int else 0 end,
  case when k.kind = 'vendor_call' and p.vendor = 'openai' then 40 + (160 * h.d)::int else 0 end,
  case when k.kind = 'item' and p.stage = 'score' then (array['High', 'Medium', 'Low', 'Low'])[1 + (4 * h.d)::int % 4] end,
  case when k.kind = 'run' and not k.is_start then jsonb_build_object(
    'set', jsonb_build_object('candidates_considered', r.events, 'candidates_selected', r.events / 2, 'items_delivered', r.events / 8),
    'add', jsonb_build_object('emails_found', r.events / 4, 'emails_verified', r.events / 5, 'lookups_attempted', r.events / 3,
      'lookups_succeeded', r.events / 4, 'fallback_attempted', 20, 'fallback_used', 3),
    'sent', jsonb_build_object('stages', 5, 'items', 0, 'vendor_calls', 0, 'dropped', 0)) end
from bench_runs r
cross join lateral generate_series(1, r.events) i
cross join lateral (
  select ${part('r.run_id * 4194304 + i', 5)} as a, ${part('r.run_id * 4194304 + i', 6)} as b,
    ${part('r.run_id * 4194304 + i', 7)} as c, ${part('r.run_id * 4194304 + i', 8)} as d
) h
cross join lateral (
  select case when i < 0.6 * r.events then 'crawl' when i < 0.85 * r.events then 'score' else 'export_odoo' end as stage,
    case when i < 0.6 * r.events then (array['brightdata', 'hunter'])[1 + i / 2 % 2] when i < 0.85 * r.events then 'openai'
      else 'odoo' end as vendor
) p
cross join lateral (
  select case when i <= 2 then 'run' when i <= 12 then 'stage' when i % 60 = 0 then 'event' when i % 2 = 0 then 'item' else 'vendor_call' end as kind,
    i <= 12 and i % 2 = 1 as is_start,
    case when i <= 2 then case when r.status = 'failed' and i = 2 then 'error' else 'ok' end
      when i <= 12 then case when r.status = 'failed' and i = 12 then 'error' else 'ok' end
      when i % 60 = 0 then 'retry' when h.a < 0.06 then 'error' when h.a < 0.08 and i % 2 = 0 then 'skip' else 'ok' end as status
) k
cross join lateral (select (k.kind = 'item')::int as units) u
where r.run_id = any ($1::bigint[])
order by r.tenant_id, r.run_id, 11, 12`;

const RUNS = `
insert into public.enrichment_runs (run_id, tenant_id, started_at, ended_at, status, state, state_at, state_rank, run_key, pipeline, environment,
  pipeline_version, trace_id, run_started_at, first_event_at, last_event_at, last_received_at, sent_statements, sent_stages, sent_items,
  sent_vendor_calls, sent_dropped, stored_stages, stored_items, stored_vendor_calls)
select r.run_id, r.tenant_id, r.started_at, r.started_at + r.duration, r.status, r.status, r.started_at + r.duration, 1,
  r.pipeline || '-' || to_char(r.started_at, 'YYYY-MM-DD') || '-' || r.run_id, r.pipeline, r.environment, '1.' || r.run_id / 1000,
  md5(r.run_id::text), r.started_at, c.first_event_at, c.last_event_at, c.last_event_at, c.sent_statements, c.sent_stages, c.sent_items,
  c.sent_vendor_calls, c.sent_dropped, c.stored_stages, c.stored_items, c.stored_vendor_calls
from bench_runs r join runledger.recounted_runs c using (tenant_id, run_id)`;

const COUNTERS: Record<string, string> = {
  run_stage_stats: `
insert into public.run_stage_stats (run_id, tenant_id, stage, count_total, count_success, count_error, cost_usd, tokens_input, tokens_output, status,
  started_at, ended_at, duration_ms, retry_count, fallback_count, state_at, state_is_end, state_span_id)
select run_id, tenant_id, stage, count_total, count_success, count_error, cost_usd, tokens_input, tokens_output, status, started_at, ended_at,
  duration_ms, retry_count, fallback_count, state_at, state_is_end, state_span_id
from runledger.recounted_stage_stats`,
  run_vendor_usage: `
insert into public.run_vendor_usage (run_id, tenant_id, vendor, calls, errors, cost_usd, rate_limit_hits, quota_exhausted, tokens_input,
  tokens_output, unpriced_calls, unpriced_tokens)
select run_id, tenant_id, vendor, calls, errors, cost_usd, rate_limit_hits, quota_exhausted, tokens_input, tokens_output, unpriced_calls,
  unpriced_tokens
from runledger.recounted_vendor_usage`,
  run_metrics: `
insert into public.run_metrics (run_id, tenant_id, name, set_value, set_at, set_span_id, added_value)
select run_id, tenant_id, name, set_value, set_at, set_span_id, added_value from runledger.recounted_metrics`,
  dirty_runs: `insert into runledger.dirty_runs select tenant_id, run_id, now(), now(), 1 from bench_runs`,
};

const QUICK_DERIVE = [
  `update public.run_stage_stats s set duration_class = c.kind, duration_samples = c.n, p50_ms = c.q[1], p95_ms = c.q[2], p99_ms = c.q[3]
   from (
     select tenant_id, run_id, stage, kind, count(*) as n, percentile_cont('{0.5,0.95,0.99}'::double precision[]) within group (order by duration_ms) as q
     from public.run_event_logs
     where seq = 1 and status in ('ok', 'error') and duration_ms is not null and stage <> '_run'
       and kind = case when stage in ('mv_refresh', 'select_targets') then 'stage' else 'item' end
     group by 1, 2, 3, 4
   ) c
   where s.tenant_id = c.tenant_id and s.run_id = c.run_id and s.stage = c.stage`,
  `update public.enrichment_runs set derived_at = now(), derived_status = status`,
];

/** Reviews, alerts with their messages, acts, schedules, what ingest refused, and a few runs that go on. */
const BESIDE = [
  `update public.qa_samples set result = case when company_id % 9 = 0 then 'fail' else 'pass' end, reviewer = 'Kim', reviewed_at = now() - interval '1 day'
   where company_id % 3 > 0`,
  `insert into runledger.alerts (tenant_id, rule, code, environment, pipeline, subject, severity, state, run_id, numbers, fired_at, last_bad_at,
     resolved_at, resolved_run_id, resolved_because)
   select r.tenant_id, u.rule, u.code, r.environment, r.pipeline, 'crawl', u.severity, 'resolved', r.run_id,
     '{"value": 0.42, "limit": 0.3, "units": 210}', r.started_at, r.started_at, r.started_at + interval '1 day', r.run_id, 'good'
   from bench_runs r join lateral (select * from runledger.alert_rules order by rule offset r.run_id % 12 limit 1) u on true`,
  `insert into runledger.alerts (tenant_id, rule, code, environment, pipeline, subject, severity, state, run_id, numbers, fired_at, last_bad_at)
   select distinct on (r.tenant_id, u.rule, r.environment, r.pipeline) r.tenant_id, u.rule, u.code, r.environment, r.pipeline, 'crawl', u.severity,
     case when r.run_id % 3 = 0 then 'acked' else 'firing' end, r.run_id, '{"value": 0.42, "limit": 0.3, "units": 210}', r.started_at, r.started_at
   from bench_runs r join lateral (select * from runledger.alert_rules order by rule offset r.run_id % 5 limit 1) u on true
   order by r.tenant_id, u.rule, r.environment, r.pipeline, r.started_at desc`,
  `insert into runledger.alert_deliveries (tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, state, attempts,
     next_attempt_at, created_at, finished_at)
   select a.tenant_id, a.alert_id, 0, c.channel, e.event, a.fired_at, jsonb_build_object('title', a.code || ' ' || a.rule, 'numbers', a.numbers),
     'sent', 1, a.fired_at, a.fired_at, a.fired_at + interval '1 second'
   from runledger.alerts a cross join (values ('slack'), ('ops')) c (channel) cross join (values ('fired'), ('resolved')) e (event)
   where e.event = 'fired' or a.state = 'resolved'`,
  `insert into runledger.acts (tenant_id, at, actor, act, object, reason)
   select tenant_id, started_at, 'Kim', case when run_id % 2 = 0 then 'review' else 'ack' end, 'run ' || run_id, 'seen' from bench_runs`,
  `insert into runledger.schedules (tenant_id, pipeline, environment, cron) select distinct tenant_id, pipeline, environment, '30 2 * * *' from bench_runs`,
  `insert into runledger.expected_runs
   select s.tenant_id, s.pipeline, s.environment, d, d + interval '15 minutes', null
   from runledger.schedules s cross join generate_series(date_trunc('day', now()), now() + interval '2 days', interval '1 day') d`,
  `insert into runledger.refusals
   select t.tenant_id, current_date - d, 'too_old', 1 + d from runledger.tenants t cross join generate_series(0, 20) d where t.tenant_id % 7 = 0`,
  `insert into runledger.audit_results select now() - d * interval '1 day', 'audit', 0, 10000, 0, 0 from generate_series(1, 30) d`,
  `update public.enrichment_runs set status = 'running', state = 'running', ended_at = null
   where run_id in (select run_id from bench_runs where run_id <> ${LARGE_RUN.runId} order by started_at desc limit 12)`,
  // The rows of the draws made the runs dirty once more; a second derive would find the same.
  'delete from runledger.dirty_runs',
  'drop table bench_runs',
];
