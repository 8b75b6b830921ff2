-- One row a model of a vendor of a run: calls, errors, units, tokens, cost, as of the run's last derive. Reads no events.
create or replace view public.model_usage_by_run with (security_invoker = true) as
select
  r.tenant_id,
  r.run_id,
  r.pipeline,
  r.environment,
  r.status as run_status,
  (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
  coalesce(r.started_at, r.first_event_at) as started_at,
  m.vendor,
  m.model,
  m.calls,
  m.errors,
  round(m.errors::numeric / nullif(m.calls, 0), 6) as error_rate,
  m.units,
  m.tokens_input,
  m.tokens_output,
  m.cost_usd,
  m.unpriced_calls,
  m.unpriced_tokens,
  m.unpriced_calls > 0 or m.unpriced_tokens > 0 as has_unpriced_usage
from runledger.model_usage m
join public.enrichment_runs r on r.tenant_id = m.tenant_id and r.run_id = m.run_id;

comment on view public.model_usage_by_run is 'Models of vendors of runs: calls, errors, units, tokens, cost';
comment on column public.model_usage_by_run.day is 'UTC day of the run''s start';
comment on column public.model_usage_by_run.started_at is 'When the run started';
comment on column public.model_usage_by_run.model is 'As the calls name it, without the date of a snapshot; empty: they name none; _other: beyond the fifty of a vendor that cost most in the run';
comment on column public.model_usage_by_run.error_rate is 'errors / calls, 0 to 1; null without calls';
comment on column public.model_usage_by_run.units is 'What calls state as runledger.units: credits, pages, whatever the vendor bills by';
comment on column public.model_usage_by_run.cost_usd is '"At least" while has_unpriced_usage';
revoke all on public.model_usage_by_run from public;
grant select on public.model_usage_by_run to runledger_reader, runledger_operator, runledger_bi;
