-- How much of what ended when in a run, by stage: one row a stage and step, only those with anything in them. Each step is a range of the
-- primary key, so that nothing is sorted, however many events there are.
-- $1 tenant_id, $2 run_id, $3 the run's first event time, $4 steps, $5 length of a step in seconds.
select
  e.stage::text as stage,
  s.step,
  e.items_ok,
  e.items_error,
  e.items_skip,
  e.vendor_calls,
  e.vendor_errors,
  e.vendor_ms
from generate_series(0, $4::int - 1) as s (step)
cross join lateral (
  select
    e.stage,
    count(*) filter (where e.kind = 'item' and e.status = 'ok') as items_ok,
    count(*) filter (where e.kind = 'item' and e.status = 'error') as items_error,
    count(*) filter (where e.kind = 'item' and e.status = 'skip') as items_skip,
    coalesce(sum(e.calls) filter (where e.kind = 'vendor_call'), 0)::bigint as vendor_calls,
    coalesce(sum(e.errors) filter (where e.kind = 'vendor_call'), 0)::bigint as vendor_errors,
    coalesce(sum(e.duration_ms) filter (where e.kind = 'vendor_call'), 0)::bigint as vendor_ms
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts >= $3::timestamptz + s.step * $5::double precision * interval '1 second'
    and e.ts < $3 + (s.step + 1) * $5 * interval '1 second'
    and e.kind in ('item', 'vendor_call')
    and e.seq = 1
  group by e.stage
) e
order by 1, 2;
