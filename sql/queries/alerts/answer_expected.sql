-- Gives each due time without a run the run that answers it. A run answers the nearest due time that it is not more than $2 too early for, be
-- it late; of several runs the nearest answers, and a run answers one due time only. $1 now timestamptz, $2 how much too early a run may begin
-- and $3 how late it may be, both interval.
with fitting as (
  select e.tenant_id, e.pipeline, e.environment, e.due_at, r.run_id, r.started_at,
    greatest(r.started_at - e.due_at, e.due_at - r.started_at) as distance
  from runledger.expected_runs e
  join public.enrichment_runs r
    on r.tenant_id = e.tenant_id
    and coalesce(r.pipeline, '') = e.pipeline
    and coalesce(r.environment, '') = e.environment
    and r.started_at >= e.due_at - $2::interval
    and r.started_at < e.due_at + $3::interval
  where e.run_id is null
    and e.due_at <= $1::timestamptz + $2::interval
    and r.started_at <= $1::timestamptz
    and not r.excluded
),
answers as (
  select distinct on (f.tenant_id, f.pipeline, f.environment, f.due_at)
    f.tenant_id, f.pipeline, f.environment, f.due_at, f.run_id
  from fitting f
  where not exists (
      select from runledger.expected_runs n
      where n.tenant_id = f.tenant_id
        and n.pipeline = f.pipeline
        and n.environment = f.environment
        and n.due_at <> f.due_at
        and n.due_at <= f.started_at + $2::interval
        and n.due_at >= f.started_at - f.distance
        and n.due_at < f.started_at + f.distance
    )
    and not exists (
      select from runledger.expected_runs o
      where o.tenant_id = f.tenant_id
        and o.pipeline = f.pipeline
        and o.environment = f.environment
        and o.run_id = f.run_id
    )
  order by f.tenant_id, f.pipeline, f.environment, f.due_at, f.distance, f.started_at, f.run_id
)
update runledger.expected_runs e
set run_id = a.run_id
from answers a
where e.tenant_id = a.tenant_id
  and e.pipeline = a.pipeline
  and e.environment = a.environment
  and e.due_at = a.due_at
  and e.run_id is null
