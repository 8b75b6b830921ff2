-- What each vendor cost a tenant, by UTC day of the run's start, pipeline and environment. Sums of run_vendor_usage: all runs count, also
-- those that failed or still go on, because they are paid for as well. Reads no events.
create or replace view public.vendor_costs with (security_invoker = true) as
select
  r.tenant_id,
  (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
  r.pipeline,
  r.environment,
  v.vendor,
  count(*) as runs,
  sum(v.calls)::bigint as calls,
  sum(v.errors)::bigint as errors,
  round(sum(v.errors) / nullif(sum(v.calls), 0), 6) as error_rate,
  sum(v.rate_limit_hits)::bigint as rate_limit_hits,
  count(*) filter (where v.quota_exhausted) as runs_quota_exhausted,
  sum(v.tokens_input)::bigint as tokens_input,
  sum(v.tokens_output)::bigint as tokens_output,
  sum(v.cost_usd) as cost_usd,
  sum(v.unpriced_calls)::bigint as unpriced_calls,
  sum(v.unpriced_tokens)::bigint as unpriced_tokens,
  bool_and(v.unpriced_calls = 0 and v.unpriced_tokens = 0) as cost_is_complete
from public.run_vendor_usage v
join public.enrichment_runs r on r.tenant_id = v.tenant_id and r.run_id = v.run_id
group by 1, 2, 3, 4, 5;

comment on view public.vendor_costs is 'Use and cost of vendors per tenant, UTC day, pipeline and environment';
comment on column public.vendor_costs.day is 'UTC day of the run''s start';
comment on column public.vendor_costs.runs is 'Runs that used the vendor';
comment on column public.vendor_costs.runs_quota_exhausted is 'Runs in which the vendor''s account was used up';
comment on column public.vendor_costs.cost_usd is '"At least" unless cost_is_complete';
comment on column public.vendor_costs.cost_is_complete is 'Every call had a known price';
revoke all on public.vendor_costs from public;
grant select on public.vendor_costs to runledger_reader, runledger_operator, runledger_bi;
