-- Ties traces to their runs; the first committed binding of a trace stays. Returns those made here.
-- $1 jsonb array of {tenant_id, trace_id, run_tenant_id, run_id}, $2 now timestamptz
insert into runledger.trace_bindings (tenant_id, trace_id, run_tenant_id, run_id, bound_at)
select b.tenant_id, b.trace_id, b.run_tenant_id, b.run_id, $2::timestamptz
from jsonb_to_recordset($1::jsonb) as b (tenant_id int, trace_id text, run_tenant_id int, run_id bigint)
order by b.tenant_id, b.trace_id collate "C"
on conflict (tenant_id, trace_id) do nothing
returning tenant_id, trace_id
