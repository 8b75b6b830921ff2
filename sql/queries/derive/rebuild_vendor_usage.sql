-- Writes the run's rows of run_vendor_usage as its events say, where they differ or are missing. Percentiles stay; derive writes them.
-- $1 tenant_id int, $2 run_id bigint. Run it in a statement after lock_run, so that it sees all that was committed before the lock.
insert into public.run_vendor_usage as t (
  tenant_id, run_id, vendor, calls, errors, cost_usd, rate_limit_hits, quota_exhausted, tokens_input, tokens_output,
  unpriced_calls, unpriced_tokens
)
select
  c.tenant_id, c.run_id, c.vendor, c.calls, c.errors, c.cost_usd, c.rate_limit_hits, c.quota_exhausted,
  c.tokens_input, c.tokens_output, c.unpriced_calls, c.unpriced_tokens
from runledger.recounted_vendor_usage c
where c.tenant_id = $1::int and c.run_id = $2::bigint
order by c.vendor
on conflict (run_id, tenant_id, vendor) do update set
  calls = excluded.calls,
  errors = excluded.errors,
  cost_usd = excluded.cost_usd,
  rate_limit_hits = excluded.rate_limit_hits,
  quota_exhausted = excluded.quota_exhausted,
  tokens_input = excluded.tokens_input,
  tokens_output = excluded.tokens_output,
  unpriced_calls = excluded.unpriced_calls,
  unpriced_tokens = excluded.unpriced_tokens
where (
  t.calls, t.errors, t.cost_usd, t.rate_limit_hits, t.quota_exhausted, t.tokens_input, t.tokens_output,
  t.unpriced_calls, t.unpriced_tokens
) is distinct from (
  excluded.calls, excluded.errors, excluded.cost_usd, excluded.rate_limit_hits, excluded.quota_exhausted,
  excluded.tokens_input, excluded.tokens_output, excluded.unpriced_calls, excluded.unpriced_tokens
)
returning t.vendor as name
