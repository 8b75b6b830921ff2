-- The run that shows that something is good again: the latest of each tenant, environment and pipeline as of $2. needs: `begun` any run that had
-- begun, `ended` one that had ended and was derived, `succeeded` one that succeeded besides. $1 jsonb array of {tenant_id, environment, pipeline, needs},
-- $2 timestamptz.
select distinct on (r.tenant_id, r.environment, r.pipeline) r.tenant_id, r.environment, r.pipeline, r.run_id
from runledger.watched_runs r
join jsonb_to_recordset($1::jsonb) as u (tenant_id int, environment text, pipeline text, needs text)
  on u.tenant_id = r.tenant_id and u.environment = r.environment and u.pipeline = r.pipeline
where r.started_at <= $2::timestamptz
  and (u.needs = 'begun' or (r.is_judged and r.over_at <= $2::timestamptz))
  and (u.needs <> 'succeeded' or r.status = 'succeeded')
order by r.tenant_id, r.environment, r.pipeline, r.started_at desc, r.run_id desc
