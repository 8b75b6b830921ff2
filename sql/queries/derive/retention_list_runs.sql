-- The runs that lose events with a day, or that began before the next one and are not sealed, with the number of their events in the day.
-- is_dated: the run's row says that it began before the next day, as it must. $1 day date.
select
  k.tenant_id,
  k.run_id,
  sum(k.events)::bigint as events,
  coalesce(min(r.first_event_at) < ($1::date + 1)::timestamp at time zone 'UTC', false) as is_dated,
  min(s.checksum) as sealed_checksum
from (
  select e.tenant_id, e.run_id, count(*) as events
  from public.run_event_logs e
  where e.ts >= $1::date::timestamp at time zone 'UTC' and e.ts < ($1::date + 1)::timestamp at time zone 'UTC'
  group by e.tenant_id, e.run_id
  union all
  select o.tenant_id, o.run_id, 0
  from public.enrichment_runs o
  left join runledger.sealed_runs n on n.tenant_id = o.tenant_id and n.run_id = o.run_id
  where o.first_event_at < ($1::date + 1)::timestamp at time zone 'UTC' and n.run_id is null
) k
left join public.enrichment_runs r on r.tenant_id = k.tenant_id and r.run_id = k.run_id
left join runledger.sealed_runs s on s.tenant_id = k.tenant_id and s.run_id = k.run_id
group by k.tenant_id, k.run_id
order by k.tenant_id, k.run_id
