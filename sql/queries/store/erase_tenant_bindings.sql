-- $1 tenant_id.
delete from runledger.trace_bindings where tenant_id = $1::int or run_tenant_id = $1;
