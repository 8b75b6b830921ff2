-- Candidates, deliveries, rates and cost by day. Variables: since (date), pipeline (text).
select day, tenant_id, sum(runs_finished) as runs, sum(runs_succeeded) / nullif(sum(runs_finished), 0) as run_success_rate,
  sum(candidates_selected) as candidates_selected, sum(items_delivered) as items_delivered, sum(unit_errors)::numeric / nullif(sum(units), 0) as error_rate,
  sum(cost_usd) as cost_usd, bool_and(cost_is_complete) as cost_is_complete
from tenant_overview
where day >= {{since}} [[and pipeline = {{pipeline}}]]
group by day, tenant_id
order by day desc, tenant_id;
