-- What an operator notes about a run. $1 tenant_id, $2 run_id, $3 note or null.
update public.enrichment_runs set note = $3::text where tenant_id = $1::int and run_id = $2::bigint;
