-- What each model of each vendor cost, by month, and a thousand tokens of it. At least this much where cost_is_complete is false. Variable: since (date).
select date_trunc('month', day::timestamp)::date as month, tenant_id, vendor, coalesce(nullif(model, ''), 'no model') as model, sum(calls) as calls,
  sum(tokens_input) as tokens_input, sum(tokens_output) as tokens_output, sum(cost_usd) as cost_usd,
  round(sum(cost_usd) * 1000 / nullif(sum(tokens_input + tokens_output), 0), 6) as usd_per_thousand_tokens,
  bool_and(cost_is_complete) as cost_is_complete
from model_costs
where day >= {{since}}
group by 1, 2, 3, 4
order by 1 desc, cost_usd desc;
