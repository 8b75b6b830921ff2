-- Adds due times; of one that is there, and that no run answered, the time to start by is corrected. $1 jsonb array.
insert into runledger.expected_runs as e (tenant_id, pipeline, environment, due_at, start_by)
select u.tenant_id, u.pipeline, u.environment, u.due_at, u.start_by
from jsonb_to_recordset($1::jsonb) as u (tenant_id int, pipeline text, environment text, due_at timestamptz, start_by timestamptz)
order by u.tenant_id, u.pipeline collate "C", u.environment collate "C", u.due_at
on conflict (tenant_id, pipeline, environment, due_at) do update set start_by = excluded.start_by
where e.run_id is null and e.start_by <> excluded.start_by
