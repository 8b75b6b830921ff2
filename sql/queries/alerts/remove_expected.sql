-- Removes due times that are no longer expected. $1 jsonb array.
delete from runledger.expected_runs e
using jsonb_to_recordset($1::jsonb) as u (tenant_id int, pipeline text, environment text, due_at timestamptz)
where e.tenant_id = u.tenant_id
  and e.pipeline = u.pipeline
  and e.environment = u.environment
  and e.due_at = u.due_at
  and e.run_id is null
