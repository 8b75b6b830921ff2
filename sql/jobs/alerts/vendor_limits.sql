-- Vendors that refused calls of the latest run: a used-up quota pages, a rate limit does as the rule says.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with newest as (
  select r.tenant_id, r.environment, r.pipeline, max(r.started_at) as started_at
  from runledger.watched_runs r
  where r.is_judged and r.over_at <= $1::timestamptz
  group by r.tenant_id, r.environment, r.pipeline
),
latest as (
  select distinct on (r.tenant_id, r.environment, r.pipeline) r.*
  from newest n
  join runledger.watched_runs r
    on r.tenant_id = n.tenant_id and r.environment = n.environment and r.pipeline = n.pipeline and r.started_at = n.started_at
  where r.is_judged and r.over_at <= $1::timestamptz
  order by r.tenant_id, r.environment, r.pipeline, r.run_id desc
)
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
from latest l
cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline))
  as p (enabled boolean, "only" jsonb, "except" jsonb)
join public.run_vendor_usage u on u.run_id = l.run_id and u.tenant_id = l.tenant_id
where p.enabled
  and (u.quota_exhausted or u.rate_limit_hits > 0)
  and (p."only" is null or p."only" ? u.vendor)
  and (p."except" is null or not p."except" ? u.vendor)
order by l.tenant_id, l.environment, l.pipeline, u.vendor
