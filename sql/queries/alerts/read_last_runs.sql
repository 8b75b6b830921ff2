-- The newest run of each schedule.
select distinct on (s.tenant_id, s.pipeline, s.environment)
  s.tenant_id, s.pipeline, s.environment, r.run_id, r.run_key, r.status, r.started_at
from runledger.schedules s
join public.enrichment_runs r
  on r.tenant_id = s.tenant_id and coalesce(r.pipeline, '') = s.pipeline and coalesce(r.environment, '') = s.environment
order by s.tenant_id, s.pipeline, s.environment, r.started_at desc nulls last, r.run_id desc
