-- One row a stage of a run: its percentiles, its units and what they cost. Over runs it shows how a stage develops; where runs must be
-- merged, see latency_trends. Reads no events.
create or replace view public.stage_latency with (security_invoker = true) as
select
  r.tenant_id,
  r.run_id,
  r.pipeline,
  r.environment,
  r.pipeline_version,
  r.status as run_status,
  r.excluded,
  (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
  coalesce(r.started_at, r.first_event_at) as started_at,
  s.stage,
  s.status as stage_status,
  s.started_at as stage_started_at,
  s.ended_at as stage_ended_at,
  case when s.ended_at is not null then s.duration_ms end as duration_ms,
  s.duration_samples,
  s.duration_class,
  case when s.duration_samples > 0 then s.p50_ms end as p50_ms,
  case when s.duration_samples > 0 then s.p95_ms end as p95_ms,
  case when s.duration_samples > 0 then s.p99_ms end as p99_ms,
  s.count_total,
  s.count_success,
  s.count_error,
  round(s.count_error::numeric / nullif(s.count_total, 0), 6) as error_rate,
  s.retry_count,
  s.fallback_count,
  s.tokens_input,
  s.tokens_output,
  s.cost_usd
from public.run_stage_stats s
join public.enrichment_runs r on r.tenant_id = s.tenant_id and r.run_id = s.run_id;

comment on view public.stage_latency is 'Stages of runs: exact percentiles, units, retries, cost';
comment on column public.stage_latency.day is 'UTC day of the run''s start';
comment on column public.stage_latency.started_at is 'When the run started';
comment on column public.stage_latency.duration_ms is 'Sum over the stage''s spans; null: none has ended';
comment on column public.stage_latency.duration_samples is 'How many durations the percentiles are made of';
comment on column public.stage_latency.duration_class is 'Whose durations: item, else vendor_call, else stage';
comment on column public.stage_latency.p95_ms is 'Exact; null without samples';
comment on column public.stage_latency.error_rate is 'count_error / count_total, 0 to 1; null without units';
revoke all on public.stage_latency from public;
grant select on public.stage_latency to runledger_reader, runledger_operator, runledger_bi;
