-- One row a vendor of a run: calls, errors, limits, tokens, cost, and how long its calls took. Reads no events.
create or replace view public.vendor_usage_by_run with (security_invoker = true) as
select
  r.tenant_id,
  r.run_id,
  r.pipeline,
  r.environment,
  r.status as run_status,
  (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
  coalesce(r.started_at, r.first_event_at) as started_at,
  v.vendor,
  v.calls,
  v.errors,
  round(v.errors::numeric / nullif(v.calls, 0), 6) as error_rate,
  v.rate_limit_hits,
  v.quota_exhausted,
  v.tokens_input,
  v.tokens_output,
  v.cost_usd,
  v.unpriced_calls,
  v.unpriced_tokens,
  v.unpriced_calls > 0 or v.unpriced_tokens > 0 as has_unpriced_usage,
  v.duration_samples,
  case when v.duration_samples > 0 then v.p50_ms end as p50_ms,
  case when v.duration_samples > 0 then v.p95_ms end as p95_ms,
  case when v.duration_samples > 0 then v.p99_ms end as p99_ms
from public.run_vendor_usage v
join public.enrichment_runs r on r.tenant_id = v.tenant_id and r.run_id = v.run_id;

comment on view public.vendor_usage_by_run is 'Vendors of runs: calls, errors, limits, tokens, cost, percentiles';
comment on column public.vendor_usage_by_run.started_at is 'When the run started';
comment on column public.vendor_usage_by_run.error_rate is 'errors / calls, 0 to 1; null without calls';
comment on column public.vendor_usage_by_run.cost_usd is '"At least" while has_unpriced_usage';
comment on column public.vendor_usage_by_run.p95_ms is 'Exact; null without samples';
revoke all on public.vendor_usage_by_run from public;
grant select on public.vendor_usage_by_run to runledger_reader, runledger_operator, runledger_bi;
