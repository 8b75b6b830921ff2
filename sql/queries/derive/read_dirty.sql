-- The count of changes of a run since it was derived. Read before anything is computed: what is counted here is visible to every later
-- statement. $1 tenant_id int, $2 run_id bigint, $3 now timestamptz.
select changes, due_at <= $3::timestamptz as is_due
from runledger.dirty_runs
where tenant_id = $1::int and run_id = $2::bigint
