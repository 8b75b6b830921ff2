-- Runs whose derive is due, the longest waiting first. $1 now timestamptz, $2 all boolean: also those not due yet, $3 limit int.
select tenant_id, run_id
from runledger.dirty_runs
where $2::boolean or due_at <= $1::timestamptz
order by due_at, tenant_id, run_id
limit $3::int
