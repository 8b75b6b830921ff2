-- The sweeps of a period at which something can have changed: after each start and end of a run, when it had been silent or over its limit,
-- after due times, reviews, refusals, audits and failed deliveries, and at least every $4. Sweeps are five minutes apart; times in between count from the next.
-- $1 from, $2 to timestamptz, $3 tenant_id or null, $4 interval.
with runs as (
  select r.tenant_id, r.status, r.started_at, coalesce(r.ended_at, r.last_event_at) as ended_at, r.last_received_at,
    r.started_at + s.run_limit_seconds * interval '1 second' as limit_at
  from public.enrichment_runs r
  left join runledger.schedules s
    on s.tenant_id = r.tenant_id and s.pipeline = coalesce(r.pipeline, '') and s.environment = coalesce(r.environment, '')
  where r.started_at < $2::timestamptz
    and coalesce(r.ended_at, r.last_event_at, r.started_at) >= $1::timestamptz - interval '1 day'
),
moments as (
  select tenant_id, started_at as at from runs
  union all
  -- A run that has ended is derived half a minute later.
  select tenant_id, ended_at + interval '30 seconds' from runs where status <> 'running'
  union all
  select tenant_id, last_received_at + interval '30 minutes' from runs where status in ('running', 'abandoned')
  union all
  select tenant_id, limit_at + interval '1 second' from runs where limit_at < ended_at or ended_at is null
  union all
  select tenant_id, start_by + interval '1 second' from runledger.expected_runs where start_by between $1::timestamptz and $2::timestamptz
  union all
  select tenant_id, reviewed_at from public.qa_samples where reviewed_at between $1::timestamptz and $2::timestamptz
  union all
  select tenant_id, day::timestamp at time zone 'UTC' from runledger.refusals
  union all
  select 0, audited_at from runledger.audit_results
  union all
  select tenant_id, finished_at from runledger.alert_deliveries where finished_at between $1::timestamptz and $2::timestamptz
)
select distinct date_bin('5 minutes', m.at + interval '5 minutes' - interval '1 microsecond', timestamptz 'epoch') as at
from (
  select at from moments where $3::int is null or tenant_id in (0, $3::int)
  union all
  select generate_series($1::timestamptz, $2::timestamptz, $4::interval)
) m
where m.at between $1::timestamptz and $2::timestamptz
order by 1
