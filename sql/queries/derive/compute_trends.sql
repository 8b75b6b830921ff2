-- The durations of a run in logarithmic buckets, counted per stage and class and, as stage _run, per vendor: one JSON row each, for
-- store_trends. The same rows count as for the percentiles, but every class of a stage has its own.
-- $1 tenant_id int, $2 run_id bigint, $3 and $4 bounds of ts.
with counted as materialized (
  select
    e.stage,
    e.kind,
    e.vendor,
    case when e.duration_ms > 0 then floor(ln(e.duration_ms::double precision) / ln(1.02::double precision))::int else -1 end as index,
    count(*) as count
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.kind in ('item', 'vendor_call', 'stage')
    and e.seq = 1
    and e.status in ('ok', 'error')
    and e.duration_ms is not null
  group by 1, 2, 3, 4
), parted as (
  select c.stage::text as stage, c.kind::text as class, c.index, sum(c.count)::bigint as count
  from counted c
  where c.stage <> '_run'
  group by 1, 2, 3
  union all
  select '_run', 'vendor:' || c.vendor, c.index, sum(c.count)::bigint
  from counted c
  where c.kind = 'vendor_call' and c.vendor is not null
  group by 1, 2, 3
)
select json_build_object(
  'stage', p.stage,
  'class', p.class,
  'samples', sum(p.count),
  'zeros', coalesce(sum(p.count) filter (where p.index < 0), 0),
  'bucket_index', coalesce(json_agg(p.index order by p.index) filter (where p.index >= 0), '[]'),
  'bucket_count', coalesce(json_agg(p.count order by p.index) filter (where p.index >= 0), '[]')
)::text as line
from parted p
group by p.stage, p.class
order by p.stage collate "C", p.class collate "C"
