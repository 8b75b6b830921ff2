-- Takes the rows that waited for these traces' roots.
-- $1 tenant_ids int[], $2 trace_ids text[]
delete from runledger.parked_spans as p
using unnest($1::int[], $2::text[]) as u (tenant_id, trace_id)
where p.tenant_id = u.tenant_id and p.trace_id = u.trace_id and p.run_id is null
returning p.tenant_id, p.trace_id, p.row
