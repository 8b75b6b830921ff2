-- Spending over a budget: of the latest run, and of a tenant's runs that ended in the UTC day and month of as_of, cancelled and excluded ones
-- too, because their money is spent. By the end of the run, so that a night that begins before midnight still meets a budget of its day.
-- Where usage has no price the true sum is higher, which is told.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with run_costs as (
  select
    l.tenant_id, l.environment, l.pipeline, 'run' as subject, l.run_id, p.per_run_usd as "limit", 1::bigint as runs,
    sum(u.cost_usd) as value, sum(u.unpriced_calls) as unpriced_calls
  from runledger.latest_runs($1::timestamptz) l
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline)) as p (enabled boolean, per_run_usd numeric)
  join public.run_vendor_usage u on u.run_id = l.run_id and u.tenant_id = l.tenant_id
  where p.enabled and p.per_run_usd is not null
  group by l.tenant_id, l.environment, l.pipeline, l.run_id, p.per_run_usd
),
budgets as (
  select t.tenant_id, b.subject, b.begins_at, b."limit"
  from runledger.tenants t
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, t.tenant_id, ''))
    as p (enabled boolean, per_day_usd numeric, per_month_usd numeric)
  cross join lateral (values
    ('day', date_trunc('day', $1::timestamptz, 'UTC'), p.per_day_usd),
    ('month', date_trunc('month', $1::timestamptz, 'UTC'), p.per_month_usd)
  ) as b (subject, begins_at, "limit")
  where p.enabled and b."limit" is not null and t.status <> 'disabled'
),
period_costs as (
  select
    b.tenant_id, '' as environment, '' as pipeline, b.subject, null::bigint as run_id, b."limit", count(distinct r.run_id) as runs,
    sum(u.cost_usd) as value, sum(u.unpriced_calls) as unpriced_calls
  from budgets b
  join public.enrichment_runs r on r.tenant_id = b.tenant_id
    -- A run of more than a month is not looked for.
    and r.started_at between b.begins_at - interval '31 days' and $1::timestamptz + interval '1 day'
    and r.status <> 'running'
    and coalesce(r.ended_at, r.last_event_at, r.started_at) >= b.begins_at
    -- From when on it was over, as in watched_runs: an abandoned run was still going on until it had been silent for half an hour.
    and case r.status
      when 'abandoned' then r.last_received_at + interval '30 minutes'
      else least(coalesce(r.ended_at, r.last_event_at, r.started_at), r.last_received_at)
    end <= $1::timestamptz
  join public.run_vendor_usage u on u.run_id = r.run_id and u.tenant_id = r.tenant_id
  group by b.tenant_id, b.subject, b."limit"
)
select c.tenant_id, c.environment, c.pipeline, c.subject,
  'bad' as verdict,
  $3::text as severity,
  c.run_id,
  jsonb_build_object(
    'value', trim_scale(round(c.value, 4)),
    'limit', c."limit",
    'at_least', c.unpriced_calls > 0,
    'unpriced_calls', c.unpriced_calls,
    'runs', c.runs
  ) as numbers
from (select * from run_costs union all select * from period_costs) c
where c.value > c."limit"
order by c.tenant_id, c.environment, c.pipeline, c.subject
