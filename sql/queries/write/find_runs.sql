-- Which of these runs exist: asked only where enrichment_runs belongs to another application.
-- $1 tenant_ids int[], $2 run_ids bigint[]
select r.tenant_id, r.run_id
from unnest($1::int[], $2::bigint[]) as u (tenant_id, run_id)
join public.enrichment_runs as r on r.tenant_id = u.tenant_id and r.run_id = u.run_id
