-- Budgets of one rule in force, with what is spent of each: of a UTC day and month by the runs that ended in it, of a run by the latest one that
-- ended of each pipeline and environment. As the rule judges them, cancelled and excluded runs too where it is a day or month.
-- $1 tenant_id or null, $2 now, $3 limits jsonb (see runledger.rule_limits), $4 rule, $5 share from which a budget is near, $6 from when on runs
-- are looked at: they may have ended in this month or the last four weeks.
with tenants as materialized (
  select t.tenant_id, t.name
  from runledger.tenants t
  where ($1::int is null or t.tenant_id = $1) and t.tenant_id > 0 and t.status <> 'disabled'
), clock as (
  select
    date_trunc('day', $2::timestamptz, 'UTC') as day_at,
    date_trunc('month', $2::timestamptz, 'UTC') as month_at,
    (date_trunc('month', $2::timestamptz at time zone 'UTC') + interval '1 month') at time zone 'UTC' as month_end,
    ($2::timestamptz at time zone 'UTC')::date as today
), periods as materialized (
  select t.tenant_id, b.scope, b.begins_at, b.ends_at, b.limit_usd
  from tenants t
  cross join clock c
  cross join lateral jsonb_to_record(runledger.rule_limits($3::jsonb, t.tenant_id, ''))
    as p (enabled boolean, per_day_usd numeric, per_month_usd numeric)
  cross join lateral (values
    ('day', c.day_at, c.day_at + interval '24 hours', p.per_day_usd),
    ('month', c.month_at, c.month_end, p.per_month_usd)
  ) as b (scope, begins_at, ends_at, limit_usd)
  where p.enabled and b.limit_usd is not null
), ended as materialized (
  select r.tenant_id, r.run_id, (coalesce(r.ended_at, r.last_event_at, r.started_at) at time zone 'UTC')::date as day
  from public.enrichment_runs r
  where r.tenant_id in (select p.tenant_id from periods p)
    and r.started_at between $6::timestamptz and $2 + interval '24 hours'
    and r.status <> 'running'
    and case r.status
      when 'abandoned' then r.last_received_at + interval '30 minutes'
      else least(coalesce(r.ended_at, r.last_event_at, r.started_at), r.last_received_at)
    end <= $2
), runs_by_day as (
  select e.tenant_id, e.day, count(*) as runs from ended e group by e.tenant_id, e.day
), used_by_day as (
  select
    e.tenant_id,
    e.day,
    sum(u.cost_usd) as cost_usd,
    bool_or(u.unpriced_calls > 0 or u.unpriced_tokens > 0) as is_unpriced
  from ended e
  join public.run_vendor_usage u on u.tenant_id = e.tenant_id and u.run_id = e.run_id
  group by e.tenant_id, e.day
), days as materialized (
  select r.tenant_id, r.day, r.runs, coalesce(u.cost_usd, 0) as cost_usd, coalesce(u.is_unpriced, false) as is_unpriced
  from runs_by_day r
  left join used_by_day u on u.tenant_id = r.tenant_id and u.day = r.day
), spent as (
  select
    p.tenant_id,
    p.scope,
    p.begins_at,
    p.ends_at,
    p.limit_usd,
    coalesce(sum(d.runs) filter (where d.day >= p.first_day), 0) as runs,
    coalesce(sum(d.cost_usd) filter (where d.day >= p.first_day), 0) as spent_usd,
    coalesce(bool_or(d.is_unpriced) filter (where d.day >= p.first_day), false) as is_unpriced,
    -- To the end of the month as the last four weeks went, or the days since the first run in them.
    case when p.scope = 'month' then
      coalesce(sum(d.cost_usd) filter (where d.day >= p.first_day), 0)
        + coalesce(
          sum(d.cost_usd) filter (where d.day > c.today - 28) / (c.today - min(d.day) filter (where d.day > c.today - 28) + 1),
          0
        ) * ((p.ends_at at time zone 'UTC')::date - c.today - 1)
    end as projected_usd
  from (select p.*, (p.begins_at at time zone 'UTC')::date as first_day from periods p) p
  cross join clock c
  left join days d on d.tenant_id = p.tenant_id
  group by p.tenant_id, p.scope, p.begins_at, p.ends_at, p.limit_usd, p.first_day, c.today
), latest as (
  -- Narrow rows, and names compared as bytes: there may be ten thousand runs to sort.
  select distinct on (r.tenant_id, r.pipeline collate "C", r.environment collate "C") r.tenant_id, r.run_id, r.pipeline, r.environment
  from tenants t
  join public.enrichment_runs r on r.tenant_id = t.tenant_id
    and r.started_at between $2 - interval '744 hours' and $2 + interval '24 hours'
    and r.status in ('succeeded', 'failed', 'abandoned')
    and r.excluded is not true
  -- Only where some budget of a run is set at all.
  where $3::jsonb @? '$.*.per_run_usd ? (@ != null)'
  order by r.tenant_id, r.pipeline collate "C", r.environment collate "C", r.started_at desc, r.run_id desc
), of_runs as (
  select
    l.tenant_id,
    l.pipeline,
    l.environment,
    p.per_run_usd as limit_usd,
    l.run_id,
    u.cost_usd as spent_usd,
    u.is_unpriced
  from latest l
  cross join lateral jsonb_to_record(runledger.rule_limits($3, l.tenant_id, coalesce(l.pipeline, ''))) as p (enabled boolean, per_run_usd numeric)
  cross join lateral (
    select coalesce(sum(v.cost_usd), 0) as cost_usd, coalesce(bool_or(v.unpriced_calls > 0 or v.unpriced_tokens > 0), false) as is_unpriced
    from public.run_vendor_usage v
    where v.tenant_id = l.tenant_id and v.run_id = l.run_id
  ) u
  where p.enabled and p.per_run_usd is not null
), budgets as (
  select tenant_id, scope, null as pipeline, null as environment, begins_at, ends_at, limit_usd, runs, spent_usd, is_unpriced, projected_usd,
    null::bigint as run_id
  from spent
  union all
  select tenant_id, 'run', pipeline, environment, null, null, limit_usd, 1, spent_usd, is_unpriced, null, run_id
  from of_runs
), shown as (
  select b.*, t.name, s.state
  from budgets b
  join tenants t on t.tenant_id = b.tenant_id
  cross join lateral (
    select case
      when b.spent_usd > b.limit_usd then 'over'
      when b.spent_usd >= b.limit_usd * $5::numeric or b.projected_usd > b.limit_usd then 'near'
      else 'ok'
    end as state
  ) s
  order by array_position(array['over', 'near', 'ok'], s.state), b.spent_usd / b.limit_usd desc, b.tenant_id, b.scope, b.pipeline, b.environment
  limit 200
)
select json_build_object(
  'tenant_id', b.tenant_id,
  'tenant_name', b.name,
  'scope', b.scope,
  'pipeline', b.pipeline,
  'environment', b.environment,
  'from', b.begins_at,
  'to', b.ends_at,
  'limit_usd', trim_scale(b.limit_usd)::text,
  'spent_usd', trim_scale(b.spent_usd)::text,
  'cost_complete', not b.is_unpriced,
  'used', round(b.spent_usd / b.limit_usd, 6),
  'projected_usd', trim_scale(round(b.projected_usd, 6))::text,
  'state', b.state,
  'runs', b.runs,
  'run', (
    select json_build_object(
      'run_id', r.run_id, 'tenant_id', r.tenant_id, 'run_key', r.run_key, 'pipeline', r.pipeline, 'environment', r.environment,
      'status', r.status, 'degraded', r.degraded, 'started_at', r.started_at, 'ended_at', r.ended_at
    )
    from public.enrichment_runs r
    where r.tenant_id = b.tenant_id and r.run_id = b.run_id
  ),
  'alert_id', (
    select a.alert_id
    from runledger.alerts a
    where a.tenant_id = b.tenant_id
      and a.rule = $4::text
      and a.subject = b.scope
      and a.pipeline = coalesce(b.pipeline, '')
      and a.environment = coalesce(b.environment, '')
      and a.state <> 'resolved'
  )
) as line
from shown b
order by array_position(array['over', 'near', 'ok'], b.state), b.spent_usd / b.limit_usd desc, b.tenant_id, b.scope, b.pipeline, b.environment;
