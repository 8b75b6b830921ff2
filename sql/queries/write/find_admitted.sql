-- Which of these runs are stored, or were let in a moment ago and are about to be. A run goes by its key or its id.
-- $1 tenant_ids int[], $2 run_keys text[], $3 run_ids bigint[], $4 admitted after timestamptz
select u.position::int - 1 as index, r.run_id is not null as is_stored
from unnest($1::int[], $2::text[], $3::bigint[]) with ordinality as u (tenant_id, run_key, run_id, position)
left join runledger.run_keys as k on k.tenant_id = u.tenant_id and k.run_key = u.run_key
left join public.enrichment_runs as r on r.tenant_id = u.tenant_id and r.run_id = coalesce(u.run_id, k.run_id)
left join runledger.run_admissions as a
  on a.tenant_id = u.tenant_id and a.run_id = coalesce(u.run_id, k.run_id) and a.admitted_at > $4::timestamptz
where r.run_id is not null or a.run_id is not null
