-- Ends a derive: the run is clean only if nothing was stored since its changes were read. $1 tenant_id int, $2 run_id bigint, $3 changes
-- as read.
delete from runledger.dirty_runs
where tenant_id = $1::int and run_id = $2::bigint and changes = $3::bigint
returning run_id
