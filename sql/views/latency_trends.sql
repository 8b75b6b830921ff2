-- Percentiles over all runs of a week, merged from the buckets that outlive the events: within 1% of what the raw durations would give. A
-- p95 of p95s would not be one. Runs that ended and that no operator excluded; weeks begin on Monday, UTC, by the start of the run.
--
-- The same numbers as runledger.trend_quantile, all three at once: a bucket's value never falls from one bucket to the next, so the least
-- value among the buckets that end after a rank is the value at that rank.
create or replace view public.latency_trends with (security_invoker = true) as
select
  w.tenant_id,
  w.week,
  w.pipeline,
  w.environment,
  w.stage,
  w.class,
  case when w.stage = '_run' and w.class like 'vendor:%' then substr(w.class, 8) end as vendor,
  w.runs,
  w.samples,
  round((q.p50_low + (w.p50_rank - floor(w.p50_rank)) * (q.p50_high - q.p50_low))::numeric)::bigint as p50_ms,
  round((q.p95_low + (w.p95_rank - floor(w.p95_rank)) * (q.p95_high - q.p95_low))::numeric)::bigint as p95_ms,
  round((q.p99_low + (w.p99_rank - floor(w.p99_rank)) * (q.p99_high - q.p99_low))::numeric)::bigint as p99_ms
from (
  select
    g.tenant_id,
    date_trunc('week', g.day::timestamp)::date as week,
    g.pipeline,
    g.environment,
    m.stage,
    m.class,
    sum(m.runs)::bigint as runs,
    sum(m.samples)::bigint as samples,
    0.5::double precision * (sum(m.samples) - 1)::double precision as p50_rank,
    0.95::double precision * (sum(m.samples) - 1)::double precision as p95_rank,
    0.99::double precision * (sum(m.samples) - 1)::double precision as p99_rank,
    array_agg(
      row(g.tenant_id, 0, m.stage, m.class, m.samples, m.zeros, m.bucket_index, m.bucket_count)::runledger.trend_buckets
    ) as trend_rows
  from (
    select
      r.tenant_id,
      r.pipeline,
      r.environment,
      (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
      case when count(*) = count(r.trends_hash) then bit_xor(r.trends_hash) end as trends_hash,
      array_agg(r.run_id) as run_ids
    from public.enrichment_runs r
    where r.status <> 'running' and not r.excluded
    group by 1, 2, 3, 4
  ) g
  -- The day's merged rows if they are of exactly these runs, else the rows of each run.
  cross join lateral (
    select d.stage, d.class, d.runs, d.samples, d.zeros, d.bucket_index, d.bucket_count
    from runledger.trend_days d
    where d.tenant_id = g.tenant_id
      and d.pipeline = g.pipeline collate "C"
      and d.environment = g.environment collate "C"
      and d.day = g.day
      and d.trends_hash = g.trends_hash
    union all
    select t.stage, t.class, 1, t.samples, t.zeros, t.bucket_index, t.bucket_count
    from unnest(g.run_ids) as u (run_id)
    join runledger.trend_buckets t on t.tenant_id = g.tenant_id and t.run_id = u.run_id
    where not exists (
      select from runledger.trend_days d
      where d.tenant_id = g.tenant_id
        and d.pipeline = g.pipeline collate "C"
        and d.environment = g.environment collate "C"
        and d.day = g.day
        and d.trends_hash = g.trends_hash
    )
  ) m
  group by 1, 2, 3, 4, 5, 6
) w
cross join lateral (
  select
    min(k.value_ms) filter (where k.end_rank > floor(w.p50_rank)) as p50_low,
    min(k.value_ms) filter (where k.end_rank > ceil(w.p50_rank)) as p50_high,
    min(k.value_ms) filter (where k.end_rank > floor(w.p95_rank)) as p95_low,
    min(k.value_ms) filter (where k.end_rank > ceil(w.p95_rank)) as p95_high,
    min(k.value_ms) filter (where k.end_rank > floor(w.p99_rank)) as p99_low,
    min(k.value_ms) filter (where k.end_rank > ceil(w.p99_rank)) as p99_high
  from (
    select
      -- + 0, or PostgreSQL sorts all buckets of all rows for this order before it adds them up, instead of after.
      sum(m.count) over (order by m.index + 0) as end_rank,
      -- A bucket's durations are whole milliseconds from the first to the last in it; its value is as far from both, relatively.
      case when m.index >= 0 then 2 * b.least_ms * b.greatest_ms / (b.least_ms + b.greatest_ms) else 0 end as value_ms
    from (
      select u.index, sum(u.count::double precision) as count
      from (
        -- In the select list, where PostgreSQL hands each row on instead of storing a run's rows first.
        select unnest(array_prepend(-1, t.bucket_index)) as index, unnest(array_prepend(t.zeros, t.bucket_count)) as count
        from unnest(w.trend_rows) as t
      ) u
      where u.count > 0
      group by u.index
    ) m
    cross join lateral (
      select
        ceil(power(1.02::double precision, m.index)) as least_ms,
        greatest(ceil(power(1.02::double precision, m.index)), ceil(power(1.02::double precision, m.index + 1)) - 1) as greatest_ms
    ) b
  ) k
) q;

comment on view public.latency_trends is 'Percentiles of stages and vendors per week over all runs together; kept when events are dropped';
comment on column public.latency_trends.week is 'Its Monday, UTC';
comment on column public.latency_trends.stage is 'The stage; _run: a vendor''s calls over the whole run';
comment on column public.latency_trends.class is 'item, vendor_call or stage: whose durations; of _run: vendor:NAME';
comment on column public.latency_trends.vendor is 'The vendor, where stage is _run';
comment on column public.latency_trends.runs is 'Runs that have durations of this class';
comment on column public.latency_trends.p95_ms is 'Merged over the runs, within 1%; null without samples';
revoke all on public.latency_trends from public;
grant select on public.latency_trends to runledger_reader, runledger_operator, runledger_bi;
