-- The levels of each month. Empty where nothing was measured. Variable: since (date).
select month, tenant_id, runs, run_success_rate, p95_run_minutes, crawl_success_rate, verified_email_rate
from service_levels
where month >= {{since}}
order by month desc, tenant_id;
