-- Stages of the same runs as in trend_points, one row a stage and point. Percentiles of a run are the exact ones; those of a day merge the
-- buckets that outlive the events. $1 tenant_id or null, $2 pipeline, $3 environment, $4 from, $5 to, $6 by: run or day, $7 from which point on.
with runs as materialized (
  select
    r.tenant_id,
    r.run_id,
    case when $6::text = 'day' then date_trunc('day', r.started_at, 'UTC') else r.started_at end as at
  from public.enrichment_runs r
  where ($1::int is null or r.tenant_id = $1)
    and ($2::text is null or r.pipeline = $2)
    and ($3::text is null or r.environment = $3)
    and r.started_at >= greatest($4::timestamptz, $7::timestamptz)
    and r.started_at < $5::timestamptz
    and not r.excluded
), stages as (
  select
    r.at,
    case when $6 = 'run' then r.tenant_id end as tenant_id,
    case when $6 = 'run' then r.run_id end as run_id,
    s.stage,
    sum(s.count_total)::bigint as units,
    sum(s.count_error)::bigint as unit_errors,
    max(case when $6 = 'run' and s.duration_samples > 0 then s.p50_ms end)::double precision as p50_ms,
    max(case when $6 = 'run' and s.duration_samples > 0 then s.p95_ms end)::double precision as p95_ms,
    array_agg(b order by r.tenant_id, r.run_id) filter (where b.samples > 0) as buckets
  from runs r
  join public.run_stage_stats s on s.tenant_id = r.tenant_id and s.run_id = r.run_id
  -- Merging the buckets of all tenants would take seconds.
  left join runledger.trend_buckets b on $6 = 'day' and $1 is not null
    and b.tenant_id = s.tenant_id and b.run_id = s.run_id and b.stage = s.stage and b.class = s.duration_class
  group by 1, 2, 3, s.stage
)
select
  s.at,
  s.tenant_id,
  s.run_id,
  s.stage::text as stage,
  s.units,
  s.unit_errors,
  round(coalesce(s.p50_ms, q.quantiles[1])::numeric, 1)::double precision as p50_ms,
  round(coalesce(s.p95_ms, q.quantiles[2])::numeric, 1)::double precision as p95_ms
from stages s
left join lateral (select runledger.trend_quantiles(s.buckets, array[0.5, 0.95]) as quantiles) q on s.buckets is not null;
