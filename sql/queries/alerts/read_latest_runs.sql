-- The run that shows that something is good again: of each tenant, environment and pipeline the latest that began before $2 and, unless any
-- counts (its any_state), has ended by then. $1 jsonb array of {tenant_id, environment, pipeline, any_state}, $2 timestamptz.
select distinct on (r.tenant_id, environment, pipeline)
  r.tenant_id, coalesce(r.environment, '') as environment, coalesce(r.pipeline, '') as pipeline, r.run_id
from public.enrichment_runs r
join jsonb_to_recordset($1::jsonb) as u (tenant_id int, environment text, pipeline text, any_state boolean)
  on u.tenant_id = r.tenant_id and u.environment = coalesce(r.environment, '') and u.pipeline = coalesce(r.pipeline, '')
where r.started_at <= $2::timestamptz
  and (u.any_state or (r.status in ('succeeded', 'failed', 'abandoned') and (r.ended_at is null or r.ended_at <= $2::timestamptz)))
  and not r.excluded
order by r.tenant_id, environment, pipeline, r.started_at desc, r.run_id desc
