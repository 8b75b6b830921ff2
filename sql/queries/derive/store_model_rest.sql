-- Of a run that lost events, models cannot be counted again: what its vendors say beyond the models that are known goes to the nameless one, so
-- that the sums stay those of run_vendor_usage. The caller holds the run row. $1 tenant_id int, $2 run_id bigint.
insert into runledger.model_usage as t (tenant_id, run_id, vendor, model, calls, errors, units, tokens_input, tokens_output, cost_usd,
  unpriced_calls, unpriced_tokens)
select
  v.tenant_id, v.run_id, v.vendor, '', v.calls - n.calls, v.errors - n.errors, 0, v.tokens_input - n.tokens_input,
  v.tokens_output - n.tokens_output, v.cost_usd - n.cost_usd, v.unpriced_calls - n.unpriced_calls, v.unpriced_tokens - n.unpriced_tokens
from public.run_vendor_usage v
cross join lateral (
  select
    coalesce(sum(m.calls), 0)::bigint as calls,
    coalesce(sum(m.errors), 0)::bigint as errors,
    coalesce(sum(m.tokens_input), 0)::bigint as tokens_input,
    coalesce(sum(m.tokens_output), 0)::bigint as tokens_output,
    coalesce(sum(m.cost_usd), 0) as cost_usd,
    coalesce(sum(m.unpriced_calls), 0)::bigint as unpriced_calls,
    coalesce(sum(m.unpriced_tokens), 0)::bigint as unpriced_tokens
  from runledger.model_usage m
  where m.tenant_id = v.tenant_id and m.run_id = v.run_id and m.vendor = v.vendor and m.model <> ''
) n
where v.tenant_id = $1::int
  and v.run_id = $2::bigint
  and (v.calls, v.errors, v.tokens_input, v.tokens_output, v.cost_usd, v.unpriced_calls, v.unpriced_tokens) is distinct from (
    n.calls, n.errors, n.tokens_input, n.tokens_output, n.cost_usd, n.unpriced_calls, n.unpriced_tokens
  )
order by v.vendor
on conflict (tenant_id, run_id, vendor, model) do update set
  calls = excluded.calls,
  errors = excluded.errors,
  tokens_input = excluded.tokens_input,
  tokens_output = excluded.tokens_output,
  cost_usd = excluded.cost_usd,
  unpriced_calls = excluded.unpriced_calls,
  unpriced_tokens = excluded.unpriced_tokens
where (t.calls, t.errors, t.tokens_input, t.tokens_output, t.cost_usd, t.unpriced_calls, t.unpriced_tokens) is distinct from (
  excluded.calls, excluded.errors, excluded.tokens_input, excluded.tokens_output, excluded.cost_usd, excluded.unpriced_calls,
  excluded.unpriced_tokens
)
