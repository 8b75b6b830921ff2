-- What names a tenant's runs and leads out of the ledger. $1 tenant_id.
update public.enrichment_runs
set run_key = null, trace_id = null, langsmith_trace_url = null, resource = null, note = null
where tenant_id = $1::int;
