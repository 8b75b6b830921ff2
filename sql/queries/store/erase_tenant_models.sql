-- Takes the names of models away, which may name their owner as those of fine-tuned ones do; what they add to their vendor stays, without a name.
-- $1 tenant_id. As runledger_owner.
with named as (
  delete from runledger.model_usage
  where tenant_id = $1::int and model <> ''
  returning *
)
insert into runledger.model_usage as t (tenant_id, run_id, vendor, model, calls, errors, units, tokens_input, tokens_output, cost_usd,
  unpriced_calls, unpriced_tokens)
select n.tenant_id, n.run_id, n.vendor, '', sum(n.calls), sum(n.errors), sum(n.units), sum(n.tokens_input), sum(n.tokens_output), sum(n.cost_usd),
  sum(n.unpriced_calls), sum(n.unpriced_tokens)
from named n
group by n.tenant_id, n.run_id, n.vendor
on conflict (tenant_id, run_id, vendor, model) do update set
  calls = t.calls + excluded.calls,
  errors = t.errors + excluded.errors,
  units = t.units + excluded.units,
  tokens_input = t.tokens_input + excluded.tokens_input,
  tokens_output = t.tokens_output + excluded.tokens_output,
  cost_usd = t.cost_usd + excluded.cost_usd,
  unpriced_calls = t.unpriced_calls + excluded.unpriced_calls,
  unpriced_tokens = t.unpriced_tokens + excluded.unpriced_tokens;
