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
  round((q.p50_low + (q.p50_rank - floor(q.p50_rank)) * (q.p50_high - q.p50_low))::numeric)::bigint as p50_ms,
  round((q.p95_low + (q.p95_rank - floor(q.p95_rank)) * (q.p95_high - q.p95_low))::numeric)::bigint as p95_ms,
  round((q.p99_low + (q.p99_rank - floor(q.p99_rank)) * (q.p99_high - q.p99_low))::numeric)::bigint as p99_ms
from (
  select
    r.tenant_id,
    date_trunc('week', coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as week,
    r.pipeline,
    r.environment,
    t.stage,
    t.class,
    count(*) as runs,
    sum(t.samples)::bigint as samples,
    array_agg(t) as trend_rows
  from runledger.trend_buckets t
  join public.enrichment_runs r on r.tenant_id = t.tenant_id and r.run_id = t.run_id
  where r.status <> 'running' and not r.excluded
  group by 1, 2, 3, 4, 5, 6
) w
cross join lateral (
  select
    max(k.p50_rank) as p50_rank,
    max(k.p95_rank) as p95_rank,
    max(k.p99_rank) as p99_rank,
    min(k.value_ms) filter (where k.end_rank > floor(k.p50_rank)) as p50_low,
    min(k.value_ms) filter (where k.end_rank > ceil(k.p50_rank)) as p50_high,
    min(k.value_ms) filter (where k.end_rank > floor(k.p95_rank)) as p95_low,
    min(k.value_ms) filter (where k.end_rank > ceil(k.p95_rank)) as p95_high,
    min(k.value_ms) filter (where k.end_rank > floor(k.p99_rank)) as p99_low,
    min(k.value_ms) filter (where k.end_rank > ceil(k.p99_rank)) as p99_high
  from (
    select
      sum(m.count) over (order by m.index) as end_rank,
      0.5::double precision * (sum(m.count) over () - 1) as p50_rank,
      0.95::double precision * (sum(m.count) over () - 1) as p95_rank,
      0.99::double precision * (sum(m.count) over () - 1) as p99_rank,
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
