-- What messages say of runs. $1 jsonb array of {tenant_id, run_id}.
select r.tenant_id, r.run_id, r.run_key, r.status, r.started_at, r.ended_at, r.trace_id, r.langsmith_trace_url
from public.enrichment_runs r
join jsonb_to_recordset($1::jsonb) as u (tenant_id int, run_id bigint)
  on u.tenant_id = r.tenant_id and u.run_id = r.run_id
