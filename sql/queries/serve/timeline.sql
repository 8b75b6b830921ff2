-- How much of what ended when in a run, by stage: one row a stage and step, only those with anything in them.
-- $1 tenant_id, $2 run_id, $3 and $4 the run's first and last event time, $5 length of a step in seconds.
select
  e.stage::text as stage,
  floor(extract(epoch from e.ts - $3::timestamptz)::double precision / $5::double precision)::int as step,
  (count(*) filter (where e.kind = 'item' and e.status = 'ok'))::int as items_ok,
  (count(*) filter (where e.kind = 'item' and e.status = 'error'))::int as items_error,
  (count(*) filter (where e.kind = 'item' and e.status = 'skip'))::int as items_skip,
  coalesce(sum(e.calls) filter (where e.kind = 'vendor_call'), 0)::bigint as vendor_calls,
  coalesce(sum(e.errors) filter (where e.kind = 'vendor_call'), 0)::bigint as vendor_errors,
  coalesce(sum(e.duration_ms) filter (where e.kind = 'vendor_call'), 0)::bigint as vendor_ms
from public.run_event_logs e
where e.tenant_id = $1::int
  and e.run_id = $2::bigint
  and e.ts between $3::timestamptz and $4::timestamptz
  and e.kind in ('item', 'vendor_call')
  and e.seq = 1
group by 1, 2
order by 1, 2;
