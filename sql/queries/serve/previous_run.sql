-- The run before one of the same tenant, pipeline and environment that has ended and was neither cancelled nor excluded.
-- $1 tenant_id, $2 run_id. No row: there is none.
select json_build_object('run_id', p.run_id) as line
from public.enrichment_runs r
join public.enrichment_runs p on p.tenant_id = r.tenant_id
  and p.pipeline is not distinct from r.pipeline
  and p.environment is not distinct from r.environment
  and (p.started_at, p.run_id) < (r.started_at, r.run_id)
  and p.status in ('succeeded', 'failed', 'abandoned')
  and not p.excluded
where r.tenant_id = $1::int and r.run_id = $2::bigint
order by p.started_at desc, p.run_id desc
limit 1;
