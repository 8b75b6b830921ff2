-- Due times that no run answered, past and to come.
select tenant_id, pipeline, environment, due_at, start_by
from runledger.expected_runs
where run_id is null
