-- $1 tenant_ids int[], $2 run_keys text[]
select k.tenant_id, k.run_key, k.run_id
from unnest($1::int[], $2::text[]) as u (tenant_id, run_key)
join runledger.run_keys as k on k.tenant_id = u.tenant_id and k.run_key = u.run_key
