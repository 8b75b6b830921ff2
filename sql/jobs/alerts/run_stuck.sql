-- Runs that go on and should not. silent: nothing was received for silent_minutes, by our clock; a run that was abandoned is as silent, until
-- a later one ends. over_limit: it goes on for longer than its schedule's limit, or the rule's where the schedule has none.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with open_runs as (
  select r.*, true as is_running
  from runledger.watched_runs r
  where r.started_at <= $1::timestamptz and (r.over_at is null or r.over_at > $1::timestamptz)
  union all
  select l.*, false from runledger.latest_runs($1::timestamptz, only_judged => false) l where l.status = 'abandoned'
),
measured as (
  select
    r.*, p.silent_minutes,
    extract(epoch from $1::timestamptz - r.last_received_at) / 60 as silence_minutes,
    extract(epoch from $1::timestamptz - r.started_at) / 60 as run_minutes,
    coalesce(s.run_limit_seconds / 60.0, p.limit_minutes) as limit_minutes
  from open_runs r
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, r.tenant_id, r.pipeline))
    as p (enabled boolean, silent_minutes numeric, limit_minutes numeric)
  left join runledger.schedules s
    on s.tenant_id = r.tenant_id and s.pipeline = r.pipeline and s.environment = r.environment and s.enabled
  where p.enabled
),
found as (
  select m.*, 'silent' as subject, m.silence_minutes as value, m.silent_minutes as "limit"
  from measured m
  where m.silence_minutes >= m.silent_minutes
  union all
  select m.*, 'over_limit', m.run_minutes, m.limit_minutes
  from measured m
  where m.is_running and m.run_minutes > m.limit_minutes
)
select distinct on (f.tenant_id, f.environment, f.pipeline, f.subject)
  f.tenant_id, f.environment, f.pipeline, f.subject,
  'bad' as verdict,
  $3::text as severity,
  f.run_id,
  jsonb_build_object(
    'value', floor(f.value),
    'limit', trim_scale(round(f."limit", 2)),
    'last_received_at', to_char(f.last_received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'status', case when f.is_running then 'running' else f.status end
  ) as numbers
from found f
order by f.tenant_id, f.environment, f.pipeline, f.subject, f.started_at desc, f.run_id desc
