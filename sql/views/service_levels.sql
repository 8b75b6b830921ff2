-- How each tenant's pipelines kept their levels, month by month (UTC, by the start of the run), from the month of the first run to this
-- one. A month without runs is there and has null rates: nothing was measured, which is neither good nor bad. What is no fault of the
-- pipeline stays out: runs that an operator excluded, and cancelled ones. Runs that are still going on are not judged yet.
create or replace view public.service_levels with (security_invoker = true) as
select
  span.tenant_id,
  span.month,
  coalesce(r.runs, 0) as runs,
  coalesce(r.runs_succeeded, 0) as runs_succeeded,
  coalesce(r.runs_failed, 0) as runs_failed,
  coalesce(r.runs_abandoned, 0) as runs_abandoned,
  round(r.runs_succeeded::numeric / nullif(r.runs, 0), 6) as run_success_rate,
  round((r.p95_run_seconds / 60)::numeric, 2) as p95_run_minutes,
  round(r.crawl_successes / nullif(r.crawl_units, 0), 6) as crawl_success_rate,
  round(r.emails_verified / nullif(r.emails_found, 0), 6) as verified_email_rate
from (
  select known.tenant_id, each_month::date as month
  from (
    select b.tenant_id, min(coalesce(b.started_at, b.first_event_at)) as first_at
    from public.enrichment_runs b
    group by b.tenant_id
  ) known
  cross join lateral generate_series(
    date_trunc('month', known.first_at at time zone 'UTC'),
    date_trunc('month', now() at time zone 'UTC'),
    interval '1 month'
  ) as each_month
) span
left join (
  select
    b.tenant_id,
    date_trunc('month', coalesce(b.started_at, b.first_event_at) at time zone 'UTC')::date as month,
    count(*) as runs,
    count(*) filter (where b.status = 'succeeded') as runs_succeeded,
    count(*) filter (where b.status = 'failed') as runs_failed,
    count(*) filter (where b.status = 'abandoned') as runs_abandoned,
    percentile_cont(0.95) within group (order by extract(epoch from b.ended_at - b.started_at)::double precision)
      filter (where b.status = 'succeeded') as p95_run_seconds,
    sum(crawl.count_success) as crawl_successes,
    sum(crawl.count_total) as crawl_units,
    sum(verified.value) as emails_verified,
    sum(found.value) as emails_found
  from public.enrichment_runs b
  -- Each at most one row a run, so that no run counts twice.
  left join public.run_stage_stats crawl on crawl.tenant_id = b.tenant_id and crawl.run_id = b.run_id and crawl.stage = 'crawl'
  left join public.run_metrics found on found.tenant_id = b.tenant_id and found.run_id = b.run_id and found.name = 'emails_found'
  left join public.run_metrics verified
    on verified.tenant_id = b.tenant_id and verified.run_id = b.run_id and verified.name = 'emails_verified'
  where b.status in ('succeeded', 'failed', 'abandoned') and not b.excluded
  group by 1, 2
) r on r.tenant_id = span.tenant_id and r.month = span.month;

comment on view public.service_levels is 'Service levels per tenant and month (UTC, by the start of the run); months without runs have null rates';
comment on column public.service_levels.month is 'First day of the month';
comment on column public.service_levels.runs is 'Runs that succeeded, failed or were abandoned; without excluded, cancelled and running ones';
comment on column public.service_levels.run_success_rate is 'succeeded / runs, 0 to 1';
comment on column public.service_levels.p95_run_minutes is '95% of the succeeded runs took no longer';
comment on column public.service_levels.crawl_success_rate is 'Units of stage crawl that succeeded / all of them, 0 to 1';
comment on column public.service_levels.verified_email_rate is 'emails_verified / emails_found over the month, 0 to 1';
revoke all on public.service_levels from public;
grant select on public.service_levels to runledger_reader, runledger_operator, runledger_bi;
