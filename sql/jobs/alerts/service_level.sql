-- Service levels of the UTC month of as_of, by the start of the run: what public.service_levels shows, as of that moment. Excluded and
-- cancelled runs stay out. A month with too few runs says nothing, so what was missed last month stays until this month can be judged.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with months as (
  select date_trunc('month', $1::timestamptz, 'UTC') as begins_at, date_trunc('month', $1::timestamptz, 'UTC') - interval '1 month' as earlier_at
),
month_runs as (
  select r.tenant_id, r.run_id, r.status, r.started_at >= m.begins_at as is_now,
    extract(epoch from r.ended_at - r.started_at)::double precision / 60 as minutes
  from months m
  join runledger.watched_runs r on r.started_at >= m.earlier_at and r.started_at <= $1::timestamptz
  where r.over_at <= $1::timestamptz and r.status in ('succeeded', 'failed', 'abandoned')
),
run_levels as (
  select
    r.tenant_id,
    count(*) filter (where r.is_now) as runs,
    count(*) filter (where r.is_now and r.status = 'succeeded') as succeeded,
    (percentile_cont(0.95) within group (order by r.minutes) filter (where r.is_now and r.status = 'succeeded'))::numeric as p95_minutes
  from month_runs r
  group by r.tenant_id
),
crawl_levels as (
  select r.tenant_id, sum(s.count_success) as succeeded, sum(s.count_total) as units
  from month_runs r
  join public.run_stage_stats s on s.run_id = r.run_id and s.tenant_id = r.tenant_id and s.stage = 'crawl'
  where r.is_now
  group by r.tenant_id
),
email_levels as (
  select r.tenant_id, sum(e.value) filter (where e.name = 'emails_verified') as verified, sum(e.value) filter (where e.name = 'emails_found') as found
  from month_runs r
  join public.run_metrics e on e.run_id = r.run_id and e.tenant_id = r.tenant_id and e.name in ('emails_verified', 'emails_found')
  where r.is_now
  group by r.tenant_id
),
levels as (
  select r.tenant_id, r.runs, p.minimum_runs, v.subject, v.value, v."limit", v.is_maximum
  from run_levels r
  left join crawl_levels c on c.tenant_id = r.tenant_id
  left join email_levels e on e.tenant_id = r.tenant_id
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, r.tenant_id, ''))
    as p (enabled boolean, minimum_runs bigint, run_success_rate numeric, p95_run_minutes numeric, crawl_success_rate numeric,
      verified_email_rate numeric)
  cross join lateral (values
    ('run_success_rate', r.succeeded::numeric / nullif(r.runs, 0), p.run_success_rate, false),
    ('p95_run_minutes', r.p95_minutes, p.p95_run_minutes, true),
    ('crawl_success_rate', c.succeeded::numeric / nullif(c.units, 0), p.crawl_success_rate, false),
    ('verified_email_rate', e.verified / nullif(e.found, 0), p.verified_email_rate, false)
  ) as v (subject, value, "limit", is_maximum)
  where p.enabled and v."limit" is not null
)
select l.tenant_id, '' as environment, '' as pipeline, l.subject,
  case when l.runs < l.minimum_runs or l.value is null then 'hold' else 'bad' end as verdict,
  $3::text as severity,
  null::bigint as run_id,
  jsonb_build_object(
    'value', round(l.value, 4),
    'limit', l."limit",
    'runs', l.runs,
    'month', to_char($1::timestamptz at time zone 'UTC', 'YYYY-MM')
  ) as numbers
from levels l
where l.runs < l.minimum_runs or l.value is null or case when l.is_maximum then l.value > l."limit" else l.value < l."limit" end
order by l.tenant_id, l.subject
