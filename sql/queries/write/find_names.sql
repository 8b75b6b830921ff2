-- The stages and vendors that runs have already, for the limit of names per run.
-- $1 tenant_ids int[], $2 run_ids bigint[]
select u.tenant_id, u.run_id, 'stage' as kind, s.stage as name
from unnest($1::int[], $2::bigint[]) as u (tenant_id, run_id)
join public.run_stage_stats as s on s.run_id = u.run_id and s.tenant_id = u.tenant_id
union all
select u.tenant_id, u.run_id, 'vendor', v.vendor
from unnest($1::int[], $2::bigint[]) as u (tenant_id, run_id)
join public.run_vendor_usage as v on v.run_id = u.run_id and v.tenant_id = u.tenant_id
