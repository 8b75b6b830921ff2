-- Vendors that refused calls of the latest run: a used-up quota pages, a rate limit does as the rule says.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
select l.tenant_id, l.environment, l.pipeline, u.vendor as subject,
  'bad' as verdict,
  case when u.quota_exhausted then 'page' else $3::text end as severity,
  l.run_id,
  jsonb_build_object(
    'value', u.rate_limit_hits,
    'limit', 0,
    'quota_exhausted', u.quota_exhausted,
    'calls', u.calls,
    'errors', u.errors
  ) as numbers
from runledger.latest_runs($1::timestamptz) l
cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline))
  as p (enabled boolean, "only" jsonb, "except" jsonb)
join public.run_vendor_usage u on u.run_id = l.run_id and u.tenant_id = l.tenant_id
where p.enabled
  and (u.quota_exhausted or u.rate_limit_hits > 0)
  and (p."only" is null or p."only" ? u.vendor)
  and (p."except" is null or not p."except" ? u.vendor)
order by l.tenant_id, l.environment, l.pipeline, u.vendor
