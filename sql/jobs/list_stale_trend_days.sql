-- Days of a pipeline whose merged trend rows are not of the runs that it has now: missing, of other runs, or of too few to be worth a copy.
-- $1 runs that make it worth one.
with current_days as (
  select
    r.tenant_id,
    r.pipeline collate "C" as pipeline,
    r.environment collate "C" as environment,
    (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
    -- 0: they have no trend rows. A run without a fingerprint could have any.
    case when count(*) >= $1::int and count(*) = count(r.trends_hash) then nullif(bit_xor(r.trends_hash), 0) end as trends_hash
  from public.enrichment_runs r
  where r.status <> 'running'
    and not r.excluded
    and r.pipeline is not null
    and r.environment is not null
    and coalesce(r.started_at, r.first_event_at) is not null
  group by 1, 2, 3, 4
), kept_days as (
  select d.tenant_id, d.pipeline, d.environment, d.day, min(d.trends_hash) as trends_hash
  from runledger.trend_days d
  group by d.tenant_id, d.pipeline, d.environment, d.day
)
select tenant_id, pipeline, environment, day::text as day
from current_days c
full join kept_days k using (tenant_id, pipeline, environment, day)
where c.trends_hash is distinct from k.trends_hash
order by tenant_id, pipeline, environment, day
