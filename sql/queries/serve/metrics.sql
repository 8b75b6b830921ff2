-- A run's business numbers. $1 tenant_id, $2 run_id.
select json_build_object(
  'run_id', $2::bigint,
  'tenant_id', $1::int,
  'metrics', coalesce(json_object_agg(m.name, m.value order by m.name), '{}')
) as line
from public.run_metrics m
where m.tenant_id = $1 and m.run_id = $2;
