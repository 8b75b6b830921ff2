-- What each vendor cost, by month. At least this much where cost_is_complete is false. Variable: since (date).
select date_trunc('month', day::timestamp)::date as month, tenant_id, vendor, sum(calls) as calls, sum(tokens_input) as tokens_input,
  sum(tokens_output) as tokens_output, sum(cost_usd) as cost_usd, bool_and(cost_is_complete) as cost_is_complete
from vendor_costs
where day >= {{since}}
group by 1, 2, 3
order by 1 desc, cost_usd desc;
