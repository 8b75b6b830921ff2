-- What each model of a vendor cost a tenant, by UTC day of the run's start, pipeline and environment. All runs count, as in vendor_costs.
-- Reads no events.
create or replace view public.model_costs with (security_invoker = true) as
select
  r.tenant_id,
  (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
  r.pipeline,
  r.environment,
  m.vendor,
  m.model,
  count(*) as runs,
  sum(m.calls)::bigint as calls,
  sum(m.errors)::bigint as errors,
  round(sum(m.errors) / nullif(sum(m.calls), 0), 6) as error_rate,
  sum(m.units)::bigint as units,
  sum(m.tokens_input)::bigint as tokens_input,
  sum(m.tokens_output)::bigint as tokens_output,
  sum(m.cost_usd) as cost_usd,
  sum(m.unpriced_calls)::bigint as unpriced_calls,
  sum(m.unpriced_tokens)::bigint as unpriced_tokens,
  bool_and(m.unpriced_calls = 0 and m.unpriced_tokens = 0) as cost_is_complete
from runledger.model_usage m
join public.enrichment_runs r on r.tenant_id = m.tenant_id and r.run_id = m.run_id
group by 1, 2, 3, 4, 5, 6;

comment on view public.model_costs is 'Use and cost of the models of vendors per tenant, UTC day, pipeline and environment';
comment on column public.model_costs.day is 'UTC day of the run''s start';
comment on column public.model_costs.model is 'As the calls name it, without the date of a snapshot; empty: they name none; _other: beyond the fifty of a vendor that cost most in a run';
comment on column public.model_costs.runs is 'Runs that used the model';
comment on column public.model_costs.error_rate is 'errors / calls, 0 to 1; null without calls';
comment on column public.model_costs.units is 'What calls state as runledger.units: credits, pages, whatever the vendor bills by';
comment on column public.model_costs.cost_usd is '"At least" unless cost_is_complete';
comment on column public.model_costs.cost_is_complete is 'Every call had a known price';
revoke all on public.model_costs from public;
grant select on public.model_costs to runledger_reader, runledger_operator, runledger_bi;
