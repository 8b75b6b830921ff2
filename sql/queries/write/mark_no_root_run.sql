-- The root of these traces was seen and names no run: what waits for it says so.
-- $1 tenant_ids int[], $2 trace_ids text[]
update runledger.parked_spans as p
set reason = 'no_root_run'
from unnest($1::int[], $2::text[]) as u (tenant_id, trace_id)
where p.tenant_id = u.tenant_id and p.trace_id = u.trace_id and p.reason = 'no_run_yet'
