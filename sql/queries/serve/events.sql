-- A page of a run's events that the filters leave, in key order, forwards or backwards, or the slowest first (one page, no key).
-- The planner knows the parameters, so that only the wanted order is left of the sort keys and the primary key gives it. Keys are sorted
-- first and the page's rows are read by them, because a sort copies each row that it looks at.
-- $1 tenant_id, $2 run_id, $3 and $4 the run's first and last event time, $5 limit, $6 sort: ts, -ts or slowest, $7 ts, $8 span_id and $9 seq of
-- the last row seen or null, $10 stage, $11 kind, $12 status, $13 event, $14 vendor, $15 item, $16 error_code. Null: not filtered.
select to_jsonb(e) - 'run_id' - 'tenant_id' || jsonb_build_object('cost_usd', trim_scale(e.cost_usd)::text) as line
from (
  select e.ts, e.span_id, e.seq, e.duration_ms
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    -- The page's place narrows the bounds too, so that partitions behind it are not looked at.
    and e.ts >= case when $6::text = 'ts' then coalesce($7::timestamptz, $3::timestamptz) else $3::timestamptz end
    and e.ts <= case when $6 = '-ts' then coalesce($7::timestamptz, $4::timestamptz) else $4::timestamptz end
    and (
      $7 is null
      or ($6 = 'ts' and (e.ts, e.span_id, e.seq) > ($7, $8::text, $9::int))
      or ($6 = '-ts' and (e.ts, e.span_id, e.seq) < ($7, $8::text, $9::int))
    )
    and ($6 <> 'slowest' or e.duration_ms is not null)
    and ($10::text is null or e.stage = $10)
    and ($11::text is null or e.kind = $11)
    and ($12::text is null or e.status = $12)
    and ($13::text is null or e.event = $13)
    and ($14::text is null or e.vendor = $14)
    and ($15::bigint is null or e.company_id = $15)
    and ($16::text is null or e.error_code = $16)
  order by
    case when $6 = 'slowest' then e.duration_ms end desc nulls last,
    case when $6 <> '-ts' then e.ts end,
    case when $6 <> '-ts' then e.span_id end,
    case when $6 <> '-ts' then e.seq end,
    e.ts desc,
    e.span_id desc,
    e.seq desc
  limit $5::int
) k
cross join lateral (
  select *
  from public.run_event_logs e
  where e.tenant_id = $1
    and e.run_id = $2
    and e.ts between $3 and $4
    and e.ts = k.ts
    and e.span_id = k.span_id
    and e.seq = k.seq
  limit 1
) e
order by
  case when $6 = 'slowest' then k.duration_ms end desc nulls last,
  case when $6 <> '-ts' then k.ts end,
  case when $6 <> '-ts' then k.span_id end,
  case when $6 <> '-ts' then k.seq end,
  k.ts desc,
  k.span_id desc,
  k.seq desc;
