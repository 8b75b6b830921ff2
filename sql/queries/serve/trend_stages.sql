-- Stages of the same runs as in trend_points, one row a stage and point. Percentiles of a run are the exact ones; those of a day merge the
-- buckets that outlive the events: the day's merged rows where they are of exactly the runs asked for, else the rows of each run.
-- $1 tenant_id or null, $2 pipeline, $3 environment, $4 from, $5 to, $6 by: run or day, $7 from which point on.
with runs as materialized (
  select
    r.tenant_id,
    r.run_id,
    r.pipeline,
    r.environment,
    r.status,
    r.trends_hash,
    r.started_at,
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
    max(case when $6 = 'run' and s.duration_samples > 0 then s.p95_ms end)::double precision as p95_ms
  from runs r
  join public.run_stage_stats s on s.tenant_id = r.tenant_id and s.run_id = r.run_id
  group by 1, 2, 3, s.stage
), days as (
  select
    r.tenant_id,
    r.pipeline,
    r.environment,
    r.at,
    (r.at at time zone 'UTC')::date as day,
    -- A run that has not ended yet has no trend rows.
    case when count(*) filter (where r.status <> 'running' and r.trends_hash is null) = 0 then bit_xor(r.trends_hash) end as trends_hash,
    array_agg(r.run_id) as run_ids
  from runs r
  -- Merging the buckets of all tenants would take seconds.
  where $6 = 'day' and $1 is not null
  group by 1, 2, 3, 4
), merged as (
  select g.at, m.stage, runledger.trend_quantiles(array_agg(m.trend_row), array[0.5, 0.95]) as quantiles
  from days g
  cross join lateral (
    select
      d.stage,
      row(d.tenant_id, 0, d.stage, d.class, d.samples, d.zeros, d.bucket_index, d.bucket_count)::runledger.trend_buckets as trend_row
    from runledger.trend_days d
    where d.tenant_id = g.tenant_id
      and d.pipeline = g.pipeline collate "C"
      and d.environment = g.environment collate "C"
      and d.day = g.day
      and d.trends_hash = g.trends_hash
      and d.is_main
    union all
    select t.stage, row(t.tenant_id, 0, t.stage, t.class, t.samples, t.zeros, t.bucket_index, t.bucket_count)::runledger.trend_buckets
    from unnest(g.run_ids) as u (run_id)
    join runledger.trend_buckets t on t.tenant_id = g.tenant_id and t.run_id = u.run_id
    join public.run_stage_stats s on s.tenant_id = t.tenant_id and s.run_id = t.run_id and s.stage = t.stage and s.duration_class = t.class
    where t.samples > 0
      and not exists (
        select from runledger.trend_days d
        where d.tenant_id = g.tenant_id
          and d.pipeline = g.pipeline collate "C"
          and d.environment = g.environment collate "C"
          and d.day = g.day
          and d.trends_hash = g.trends_hash
      )
  ) m
  group by g.at, m.stage
)
select
  s.at,
  s.tenant_id,
  s.run_id,
  s.stage::text as stage,
  s.units,
  s.unit_errors,
  round(coalesce(s.p50_ms, m.quantiles[1])::numeric, 1)::double precision as p50_ms,
  round(coalesce(s.p95_ms, m.quantiles[2])::numeric, 1)::double precision as p95_ms
from stages s
left join merged m on m.at = s.at and m.stage = s.stage;
