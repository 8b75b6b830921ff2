-- Keeps what queries/serve/timeline gives for a large run, with what it is of, all from one snapshot; nothing when rows came since its bounds
-- were read, when its events are dropped, or when it is not large. Takes seconds for a run of millions and locks nothing of the run.
-- $1 tenant_id int, $2 run_id bigint, $3 and $4 bounds of ts, $5 steps int, $6 items and vendor calls that make a run large, bigint.
insert into runledger.run_timelines as t (tenant_id, run_id, first_event_at, steps, step_ms, items, vendor_calls, counts)
select $1::int, $2::bigint, r.first_event_at, $5::int, l.step_ms, r.stored_items, r.stored_vendor_calls, c.counts
from public.enrichment_runs r
cross join lateral (
  -- In whole milliseconds of both ends, never 0, and a little more than the whole, so that the last event is in the last step.
  select greatest(
    1,
    ceil((floor(extract(epoch from r.last_event_at) * 1000) - floor(extract(epoch from r.first_event_at) * 1000) + 1) / $5)
  )::bigint as step_ms
) l
cross join lateral (
  select coalesce(jsonb_agg(e order by e.stage, e.step), '[]') as counts
  from (
    select
      s.step,
      e.stage,
      count(*) filter (where e.kind = 'item' and e.status = 'ok') as items_ok,
      count(*) filter (where e.kind = 'item' and e.status = 'error') as items_error,
      count(*) filter (where e.kind = 'item' and e.status = 'skip') as items_skip,
      coalesce(sum(e.calls) filter (where e.kind = 'vendor_call'), 0)::bigint as vendor_calls,
      coalesce(sum(e.errors) filter (where e.kind = 'vendor_call'), 0)::bigint as vendor_errors,
      coalesce(sum(e.duration_ms) filter (where e.kind = 'vendor_call'), 0)::bigint as vendor_ms
    from generate_series(0, $5 - 1) as s (step)
    join public.run_event_logs e
      on e.ts >= r.first_event_at + s.step * l.step_ms * interval '1 millisecond'
      and e.ts < r.first_event_at + (s.step + 1) * l.step_ms * interval '1 millisecond'
    where e.tenant_id = $1
      and e.run_id = $2
      and e.ts between $3::timestamptz and $4::timestamptz
      and e.kind in ('item', 'vendor_call')
      and e.seq = 1
    group by s.step, e.stage
  ) e
) c
where r.tenant_id = $1
  and r.run_id = $2
  and r.first_event_at = $3
  and r.last_event_at = $4
  and r.stored_items + r.stored_vendor_calls >= $6::bigint
  and r.first_event_at >= (select n.floor_day::timestamp at time zone 'UTC' from runledger.retention n)
on conflict (tenant_id, run_id) do update set
  first_event_at = excluded.first_event_at,
  steps = excluded.steps,
  step_ms = excluded.step_ms,
  items = excluded.items,
  vendor_calls = excluded.vendor_calls,
  counts = excluded.counts
