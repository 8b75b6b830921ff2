-- What run_vendor_usage must hold, counted again from the events. Audit compares with it and rebuild writes it.
create or replace view runledger.recounted_vendor_usage with (security_invoker = true) as
select
  e.tenant_id,
  e.run_id,
  e.vendor,
  sum(e.calls)::bigint as calls,
  sum(e.errors)::bigint as errors,
  coalesce(sum(e.cost_usd), 0) as cost_usd,
  sum(e.rate_limit_hits)::bigint as rate_limit_hits,
  bool_or(e.quota_exhausted) as quota_exhausted,
  sum(e.tokens_input)::bigint as tokens_input,
  sum(e.tokens_output)::bigint as tokens_output,
  coalesce(sum(e.calls) filter (where e.cost_usd is null), 0)::bigint as unpriced_calls,
  coalesce(sum(e.tokens_input + e.tokens_output) filter (where e.cost_usd is null), 0)::bigint as unpriced_tokens
from public.run_event_logs e
where e.kind = 'vendor_call' and e.vendor is not null
group by e.tenant_id, e.run_id, e.vendor;

comment on view runledger.recounted_vendor_usage is 'run_vendor_usage without its percentiles, counted again from the events';
revoke all on runledger.recounted_vendor_usage from public;
grant select on runledger.recounted_vendor_usage to runledger_owner, runledger_operator;
