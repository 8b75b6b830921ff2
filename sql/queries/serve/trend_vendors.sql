-- Vendors of the same runs as in trend_points, one row a vendor and point.
-- $1 tenant_id or null, $2 pipeline, $3 environment, $4 from, $5 to, $6 by: run or day, $7 from which point on.
select
  case when $6::text = 'day' then date_trunc('day', r.started_at, 'UTC') else r.started_at end as at,
  case when $6 = 'run' then r.tenant_id end as tenant_id,
  case when $6 = 'run' then r.run_id end as run_id,
  v.vendor::text as vendor,
  trim_scale(sum(v.cost_usd))::text as cost_usd,
  sum(v.calls)::bigint as calls,
  sum(v.errors)::bigint as errors
from public.enrichment_runs r
join public.run_vendor_usage v on v.tenant_id = r.tenant_id and v.run_id = r.run_id
where ($1::int is null or r.tenant_id = $1)
  and ($2::text is null or r.pipeline = $2)
  and ($3::text is null or r.environment = $3)
  and r.started_at >= greatest($4::timestamptz, $7::timestamptz)
  and r.started_at < $5::timestamptz
  and not r.excluded
group by 1, 2, 3, 4;
