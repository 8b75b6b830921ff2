-- One row a run with what people ask first: how long against usual, how much failed, what it cost. Numbers that need another table are
-- sub-selects on the run's key, so that a query pays only for the columns it names. Reads no events.
create or replace view public.runs with (security_invoker = true) as
select
  r.tenant_id,
  r.run_id,
  r.run_key,
  r.pipeline,
  r.environment,
  r.pipeline_version,
  r.status,
  r.degraded,
  r.complete,
  r.excluded,
  r.note,
  (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
  coalesce(r.started_at, r.first_event_at) as started_at,
  r.ended_at,
  case when r.ended_at >= r.started_at then round(extract(epoch from r.ended_at - r.started_at) * 1000)::bigint end as duration_ms,
  (
    select round(percentile_cont(0.5) within group (order by d.duration_ms)::numeric)::bigint
    from unnest(usual.durations_ms) as d (duration_ms)
  ) as usual_duration_ms,
  (
    select sum(s.count_total)::bigint from public.run_stage_stats s where s.tenant_id = r.tenant_id and s.run_id = r.run_id
  ) as units,
  (
    select sum(s.count_error)::bigint from public.run_stage_stats s where s.tenant_id = r.tenant_id and s.run_id = r.run_id
  ) as unit_errors,
  (
    select round(sum(s.count_error) / nullif(sum(s.count_total), 0), 6)
    from public.run_stage_stats s
    where s.tenant_id = r.tenant_id and s.run_id = r.run_id
  ) as error_rate,
  (
    select coalesce(sum(v.cost_usd), 0) from public.run_vendor_usage v where v.tenant_id = r.tenant_id and v.run_id = r.run_id
  ) as cost_usd,
  (
    -- Not `exists`: PostgreSQL would look through the whole table first.
    select coalesce(bool_or(v.unpriced_calls > 0 or v.unpriced_tokens > 0), false)
    from public.run_vendor_usage v
    where v.tenant_id = r.tenant_id and v.run_id = r.run_id
  ) as has_unpriced_usage,
  (
    select m.value from public.run_metrics m
    where m.tenant_id = r.tenant_id and m.run_id = r.run_id and m.name = 'candidates_selected'
  ) as candidates_selected,
  (
    select m.value from public.run_metrics m
    where m.tenant_id = r.tenant_id and m.run_id = r.run_id and m.name = 'items_delivered'
  ) as items_delivered,
  (
    select round(sum(m.value) filter (where m.name = 'emails_verified')
      / nullif(sum(m.value) filter (where m.name = 'emails_found'), 0), 6)
    from public.run_metrics m
    where m.tenant_id = r.tenant_id and m.run_id = r.run_id and m.name in ('emails_found', 'emails_verified')
  ) as verified_email_rate,
  r.trace_id,
  r.langsmith_trace_url
from public.enrichment_runs r
-- One pass over the tenant's runs; a look back from each run would be as many passes as there are runs. `distinct on` lets PostgreSQL see
-- that this adds no row, and leave it out of a query that does not name usual_duration_ms.
left join (
  select distinct on (w.tenant_id, w.run_id)
    w.tenant_id,
    w.run_id,
    array_agg(w.duration_ms) filter (where w.is_good) over (
      partition by w.tenant_id, w.pipeline, w.environment order by w.good_before range between 10 preceding and 1 preceding
    ) as durations_ms
  from (
    select
      g.*,
      count(*) filter (where g.is_good) over (
        partition by g.tenant_id, g.pipeline, g.environment order by g.started_at, g.run_id
        rows between unbounded preceding and 1 preceding
      ) as good_before
    from (
      select
        p.tenant_id,
        p.run_id,
        p.pipeline collate "C" as pipeline,
        p.environment collate "C" as environment,
        coalesce(p.started_at, p.first_event_at) as started_at,
        extract(epoch from p.ended_at - p.started_at)::double precision * 1000 as duration_ms,
        (p.status = 'succeeded' and not p.excluded and p.ended_at >= p.started_at) is true as is_good
      from public.enrichment_runs p
    ) g
  ) w
) usual on usual.tenant_id = r.tenant_id and usual.run_id = r.run_id;

comment on view public.runs is 'Runs with duration against usual, units, errors, cost and rates; order by started_at';
comment on column public.runs.day is 'UTC day of the start';
comment on column public.runs.duration_ms is 'null while it runs, where its end is not known, or lies before its start';
comment on column public.runs.usual_duration_ms is 'Median of the last 10 earlier runs of the same pipeline and environment that succeeded and are not excluded; null: there is none';
comment on column public.runs.units is 'What its stages worked on, each stage counting for itself; null: no stage is known';
comment on column public.runs.error_rate is 'unit_errors / units, 0 to 1; null without units';
comment on column public.runs.cost_usd is 'Over all vendors; "at least" while has_unpriced_usage';
comment on column public.runs.has_unpriced_usage is 'Some calls have no known price, so the true cost is higher';
comment on column public.runs.verified_email_rate is 'emails_verified / emails_found, 0 to 1; null without e-mails';
revoke all on public.runs from public;
grant select on public.runs to runledger_reader, runledger_operator, runledger_bi;
