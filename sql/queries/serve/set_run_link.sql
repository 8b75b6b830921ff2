-- The link that somebody gives a run that has none; one of its own spans may still bring a better one. $1 tenant_id, $2 run_id, $3 link.
update public.enrichment_runs set langsmith_trace_url = $3::text
where tenant_id = $1::int and run_id = $2::bigint and langsmith_trace_url is null
returning run_id;
