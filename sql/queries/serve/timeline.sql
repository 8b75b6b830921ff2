-- How much of what ended when in a run, by stage: one row a stage and step, only those with anything in them. Of a large run that has ended
-- derive kept it; as many items and calls stored as it counted mean that it is still all. Else each step is a range of the primary key, so
-- that nothing is sorted, however many events there are.
-- $1 tenant_id, $2 run_id, $3 and $4 the run's first and last event time, $5 steps, $6 length of a step in milliseconds.
with kept as materialized (
  select c.*
  from runledger.run_timelines t
  join public.enrichment_runs r on r.tenant_id = t.tenant_id and r.run_id = t.run_id
  cross join lateral jsonb_to_recordset(t.counts) as c (
    stage text, step int, items_ok bigint, items_error bigint, items_skip bigint, vendor_calls bigint, vendor_errors bigint, vendor_ms bigint
  )
  where t.tenant_id = $1::int
    and t.run_id = $2::bigint
    and t.first_event_at = $3::timestamptz
    and t.steps = $5::int
    and t.step_ms = $6::bigint
    and t.items = r.stored_items
    and t.vendor_calls = r.stored_vendor_calls
)
select
  k.stage collate "C" as stage,
  k.step,
  k.items_ok,
  k.items_error,
  k.items_skip,
  k.vendor_calls,
  k.vendor_errors,
  k.vendor_ms
from kept k
union all
select
  e.stage::text,
  s.step,
  e.items_ok,
  e.items_error,
  e.items_skip,
  e.vendor_calls,
  e.vendor_errors,
  e.vendor_ms
from generate_series(0, $5 - 1) as s (step)
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
  where e.tenant_id = $1
    and e.run_id = $2
    -- The planner knows these two and looks at no other partitions.
    and e.ts between $3 and $4::timestamptz
    and e.ts >= $3 + s.step * $6 * interval '1 millisecond'
    and e.ts < $3 + (s.step + 1) * $6 * interval '1 millisecond'
    and e.kind in ('item', 'vendor_call')
    and e.seq = 1
  group by e.stage
) e
where not exists (select from kept)
order by 1, 2;
