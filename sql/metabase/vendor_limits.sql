-- Runs in which a vendor put calls off, or was used up. Variable: since (date).
select started_at, tenant_id, run_id, pipeline, vendor, calls, errors, rate_limit_hits, quota_exhausted
from vendor_usage_by_run
where started_at >= {{since}} and (rate_limit_hits > 0 or quota_exhausted)
order by started_at desc, rate_limit_hits desc;
