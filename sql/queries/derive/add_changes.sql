-- Counts rows that derive itself stored as changes of the run, as those of a writer are. $1 tenant_id int, $2 run_id bigint, $3 rows int.
update runledger.dirty_runs
set changes = changes + $3::int
where tenant_id = $1::int and run_id = $2::bigint
