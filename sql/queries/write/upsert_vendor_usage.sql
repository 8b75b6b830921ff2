-- $1 jsonb array, one object a (tenant, run, vendor). quota_exhausted only turns true.
insert into public.run_vendor_usage as v (
  run_id, tenant_id, vendor, calls, errors, cost_usd, rate_limit_hits, quota_exhausted, tokens_input, tokens_output, unpriced_calls, unpriced_tokens)
select
  u.run_id, u.tenant_id, u.vendor, u.calls, u.errors, u.cost_usd, u.rate_limit_hits, u.quota_exhausted, u.tokens_input, u.tokens_output,
  u.unpriced_calls, u.unpriced_tokens
from jsonb_to_recordset($1::jsonb) as u (
  run_id bigint, tenant_id int, vendor text, calls bigint, errors bigint, cost_usd numeric, rate_limit_hits bigint, quota_exhausted boolean,
  tokens_input bigint, tokens_output bigint, unpriced_calls bigint, unpriced_tokens bigint)
order by u.tenant_id, u.run_id, u.vendor collate "C"
on conflict (run_id, tenant_id, vendor) do update set
  calls = v.calls + excluded.calls,
  errors = v.errors + excluded.errors,
  cost_usd = v.cost_usd + excluded.cost_usd,
  rate_limit_hits = v.rate_limit_hits + excluded.rate_limit_hits,
  quota_exhausted = v.quota_exhausted or excluded.quota_exhausted,
  tokens_input = v.tokens_input + excluded.tokens_input,
  tokens_output = v.tokens_output + excluded.tokens_output,
  unpriced_calls = v.unpriced_calls + excluded.unpriced_calls,
  unpriced_tokens = v.unpriced_tokens + excluded.unpriced_tokens
