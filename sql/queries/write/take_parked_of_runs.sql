-- Takes the rows that waited for these runs to exist (an enrichment_runs of another application).
-- $1 tenant_ids int[], $2 run_ids bigint[]
delete from runledger.parked_spans as p
using unnest($1::int[], $2::bigint[]) as u (tenant_id, run_id)
where p.tenant_id = u.tenant_id and p.run_id = u.run_id
returning p.tenant_id, p.trace_id, p.row
