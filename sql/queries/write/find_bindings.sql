-- $1 tenant_ids int[], $2 trace_ids text[]
select b.tenant_id, b.trace_id, b.run_tenant_id, b.run_id
from unnest($1::int[], $2::text[]) as u (tenant_id, trace_id)
join runledger.trace_bindings as b on b.tenant_id = u.tenant_id and b.trace_id = u.trace_id
