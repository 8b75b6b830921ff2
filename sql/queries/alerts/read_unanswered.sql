-- Due times of a schedule that no run answered, past and to come. $1 tenant_id int, $2 pipeline text, $3 environment text.
select tenant_id, pipeline, environment, due_at, start_by
from runledger.expected_runs
where tenant_id = $1::int
  and pipeline = $2::text
  and environment = $3::text
  and run_id is null
