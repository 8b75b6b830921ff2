-- Writes the model rows of a run where they differ. The caller holds the run row.
-- $1 tenant_id int, $2 run_id bigint, $3 jsonb array of what compute_model_usage gave.
insert into runledger.model_usage as t (tenant_id, run_id, vendor, model, calls, errors, units, tokens_input, tokens_output, cost_usd,
  unpriced_calls, unpriced_tokens)
select $1::int, $2::bigint, u.vendor, u.model, u.calls, u.errors, u.units, u.tokens_input, u.tokens_output, u.cost_usd, u.unpriced_calls,
  u.unpriced_tokens
from jsonb_to_recordset($3::jsonb) as u (
  vendor text, model text, calls bigint, errors bigint, units bigint, tokens_input bigint, tokens_output bigint, cost_usd numeric,
  unpriced_calls bigint, unpriced_tokens bigint)
order by u.vendor collate "C", u.model collate "C"
on conflict (tenant_id, run_id, vendor, model) do update set
  calls = excluded.calls,
  errors = excluded.errors,
  units = excluded.units,
  tokens_input = excluded.tokens_input,
  tokens_output = excluded.tokens_output,
  cost_usd = excluded.cost_usd,
  unpriced_calls = excluded.unpriced_calls,
  unpriced_tokens = excluded.unpriced_tokens
where (t.calls, t.errors, t.units, t.tokens_input, t.tokens_output, t.cost_usd, t.unpriced_calls, t.unpriced_tokens) is distinct from (
  excluded.calls, excluded.errors, excluded.units, excluded.tokens_input, excluded.tokens_output, excluded.cost_usd,
  excluded.unpriced_calls, excluded.unpriced_tokens
)
