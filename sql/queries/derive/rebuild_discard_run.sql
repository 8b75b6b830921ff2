-- Removes the run row that rebuild itself restored when it turned out that the run has no events. $1 tenant_id int, $2 run_id bigint.
delete from public.enrichment_runs
where tenant_id = $1::int and run_id = $2::bigint and first_event_at is null
returning run_id
