-- Writes the percentiles of a run's vendors where they differ; a vendor without samples gets zeros. Counters are not touched. The caller
-- holds the run row. $1 tenant_id int, $2 run_id bigint, then arrays of equal length: $3 vendor, $4 samples, $5 p50, $6 p95, $7 p99.
update public.run_vendor_usage s
set
  p50_ms = coalesce(u.p50_ms, 0),
  p95_ms = coalesce(u.p95_ms, 0),
  p99_ms = coalesce(u.p99_ms, 0),
  duration_samples = coalesce(u.duration_samples, 0)
from public.run_vendor_usage k
left join unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
  as u (vendor, duration_samples, p50_ms, p95_ms, p99_ms)
  on u.vendor = k.vendor
where s.tenant_id = $1::int
  and s.run_id = $2::bigint
  and k.tenant_id = $1::int
  and k.run_id = $2::bigint
  and k.vendor = s.vendor
  and (s.p50_ms, s.p95_ms, s.p99_ms, s.duration_samples) is distinct from (
    coalesce(u.p50_ms, 0), coalesce(u.p95_ms, 0), coalesce(u.p99_ms, 0), coalesce(u.duration_samples, 0)
  )
