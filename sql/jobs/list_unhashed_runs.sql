-- Runs that were derived before their trend rows had a fingerprint, and are not derived again because their events are gone. $1 limit int.
select r.tenant_id, r.run_id
from public.enrichment_runs r
where r.trends_hash is null
  and r.derived_at is not null
  and r.status <> 'running'
order by r.tenant_id, r.run_id
limit $1::int
