-- What a delivered item costs, by day. Empty on days that delivered nothing. Variables: since (date), pipeline (text).
select day, tenant_id, sum(cost_usd) as cost_usd, sum(items_delivered) as items_delivered,
  round(sum(cost_usd) / nullif(sum(items_delivered), 0), 4) as cost_usd_per_item
from tenant_overview
where day >= {{since}} [[and pipeline = {{pipeline}}]]
group by day, tenant_id
order by day desc, tenant_id;
