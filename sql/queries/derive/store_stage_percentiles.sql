-- Writes the percentiles of a run's stages where they differ; a stage without samples gets zeros. Counters are not touched. The caller
-- holds the run row. $1 tenant_id int, $2 run_id bigint, then arrays of equal length: $3 stage, $4 class, $5 samples, $6 p50, $7 p95, $8 p99.
update public.run_stage_stats s
set
  p50_ms = coalesce(u.p50_ms, 0),
  p95_ms = coalesce(u.p95_ms, 0),
  p99_ms = coalesce(u.p99_ms, 0),
  duration_samples = coalesce(u.duration_samples, 0),
  duration_class = u.duration_class
from public.run_stage_stats k
left join unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
  as u (stage, duration_class, duration_samples, p50_ms, p95_ms, p99_ms)
  on u.stage = k.stage
where s.tenant_id = $1::int
  and s.run_id = $2::bigint
  and k.tenant_id = $1::int
  and k.run_id = $2::bigint
  and k.stage = s.stage
  and (s.p50_ms, s.p95_ms, s.p99_ms, s.duration_samples, s.duration_class) is distinct from (
    coalesce(u.p50_ms, 0), coalesce(u.p95_ms, 0), coalesce(u.p99_ms, 0), coalesce(u.duration_samples, 0), u.duration_class
  )
