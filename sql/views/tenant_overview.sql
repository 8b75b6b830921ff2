-- One row a tenant, UTC day, pipeline and environment: what was found, what was delivered, how much failed, how long it took, what it
-- cost. Days without a run have no row. Each part is summed on its own before they meet, so that no row counts twice; a part that a
-- query names no number of is left out by PostgreSQL. Reads no events.
create or replace view public.tenant_overview with (security_invoker = true) as
select
  r.tenant_id,
  (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
  r.pipeline,
  r.environment,
  count(*) as runs,
  count(*) filter (where r.status in ('succeeded', 'failed', 'abandoned') and not r.excluded) as runs_finished,
  count(*) filter (where r.status = 'succeeded' and not r.excluded) as runs_succeeded,
  count(*) filter (where r.status = 'failed' and not r.excluded) as runs_failed,
  count(*) filter (where r.status = 'abandoned' and not r.excluded) as runs_abandoned,
  count(*) filter (where r.status = 'running') as runs_running,
  round(count(*) filter (where r.status = 'succeeded' and not r.excluded)::numeric
    / nullif(count(*) filter (where r.status in ('succeeded', 'failed', 'abandoned') and not r.excluded), 0), 6) as run_success_rate,
  round((percentile_cont(0.5) within group (order by extract(epoch from r.ended_at - r.started_at)::double precision)
    filter (where r.status = 'succeeded' and not r.excluded) / 60)::numeric, 2) as median_run_minutes,
  round((percentile_cont(0.95) within group (order by extract(epoch from r.ended_at - r.started_at)::double precision)
    filter (where r.status = 'succeeded' and not r.excluded) / 60)::numeric, 2) as p95_run_minutes,
  sum(m.candidates_considered) as candidates_considered,
  sum(m.candidates_selected) as candidates_selected,
  sum(m.items_delivered) as items_delivered,
  sum(s.units)::bigint as units,
  sum(s.unit_successes)::bigint as unit_successes,
  sum(s.unit_errors)::bigint as unit_errors,
  round(sum(s.unit_successes) / nullif(sum(s.units), 0), 6) as success_rate,
  round(sum(s.unit_errors) / nullif(sum(s.units), 0), 6) as error_rate,
  sum(m.bucket_high) as bucket_high,
  sum(m.bucket_medium) as bucket_medium,
  sum(m.bucket_low) as bucket_low,
  round(sum(m.bucket_high) / nullif(sum(m.bucketed), 0), 6) as bucket_high_share,
  round(sum(m.bucket_medium) / nullif(sum(m.bucketed), 0), 6) as bucket_medium_share,
  round(sum(m.bucket_low) / nullif(sum(m.bucketed), 0), 6) as bucket_low_share,
  sum(v.cost_usd) as cost_usd,
  bool_and(v.cost_is_complete) as cost_is_complete
from public.enrichment_runs r
left join lateral (
  select
    sum(x.value) filter (where x.name = 'candidates_considered') as candidates_considered,
    sum(x.value) filter (where x.name = 'candidates_selected') as candidates_selected,
    sum(x.value) filter (where x.name = 'items_delivered') as items_delivered,
    sum(x.value) filter (where x.name = 'bucket_high') as bucket_high,
    sum(x.value) filter (where x.name = 'bucket_medium') as bucket_medium,
    sum(x.value) filter (where x.name = 'bucket_low') as bucket_low,
    sum(x.value) filter (where x.name in ('bucket_high', 'bucket_medium', 'bucket_low')) as bucketed
  from public.run_metrics x
  where x.tenant_id = r.tenant_id and x.run_id = r.run_id
) m on true
left join lateral (
  select sum(x.count_total) as units, sum(x.count_success) as unit_successes, sum(x.count_error) as unit_errors
  from public.run_stage_stats x
  where x.tenant_id = r.tenant_id and x.run_id = r.run_id
) s on true
left join lateral (
  select
    coalesce(sum(x.cost_usd), 0) as cost_usd,
    coalesce(bool_and(x.unpriced_calls = 0 and x.unpriced_tokens = 0), true) as cost_is_complete
  from public.run_vendor_usage x
  where x.tenant_id = r.tenant_id and x.run_id = r.run_id
) v on true
group by 1, 2, 3, 4;

comment on view public.tenant_overview is 'Runs, candidates, deliveries, rates, durations and cost per tenant, UTC day, pipeline and environment';
comment on column public.tenant_overview.day is 'UTC day of the run''s start';
comment on column public.tenant_overview.runs is 'All, also cancelled, excluded and running ones';
comment on column public.tenant_overview.runs_finished is 'Succeeded, failed or abandoned, without excluded ones; run_success_rate is of these';
comment on column public.tenant_overview.median_run_minutes is 'Of the succeeded runs';
comment on column public.tenant_overview.items_delivered is 'As the pipelines state it; null: none did';
comment on column public.tenant_overview.units is 'What the stages worked on, each stage counting for itself';
comment on column public.tenant_overview.success_rate is 'unit_successes / units, 0 to 1; skipped units are neither success nor error';
comment on column public.tenant_overview.bucket_high_share is 'Of the items in bucket high, medium or low';
comment on column public.tenant_overview.cost_usd is '"At least" unless cost_is_complete';
revoke all on public.tenant_overview from public;
grant select on public.tenant_overview to runledger_reader, runledger_operator, runledger_bi;
