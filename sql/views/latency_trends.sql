-- Percentiles over all runs of a week, merged from the buckets that outlive the events: within 1% of what the raw durations would give. A
-- p95 of p95s would not be one. Runs that ended and that no operator excluded; weeks begin on Monday, UTC, by the start of the run.
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
  round(runledger.trend_quantile(w.trend_rows, 0.5)::numeric)::bigint as p50_ms,
  round(runledger.trend_quantile(w.trend_rows, 0.95)::numeric)::bigint as p95_ms,
  round(runledger.trend_quantile(w.trend_rows, 0.99)::numeric)::bigint as p99_ms
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
) w;

comment on view public.latency_trends is 'Percentiles of stages and vendors per week over all runs together; kept when events are dropped';
comment on column public.latency_trends.week is 'Its Monday, UTC';
comment on column public.latency_trends.stage is 'The stage; _run: a vendor''s calls over the whole run';
comment on column public.latency_trends.class is 'item, vendor_call or stage: whose durations; of _run: vendor:NAME';
comment on column public.latency_trends.vendor is 'The vendor, where stage is _run';
comment on column public.latency_trends.runs is 'Runs that have durations of this class';
comment on column public.latency_trends.p95_ms is 'Merged over the runs, within 1%; null without samples';
revoke all on public.latency_trends from public;
grant select on public.latency_trends to runledger_reader, runledger_operator, runledger_bi;
