-- The durations of one stage, of one class, in the buckets of runledger.trend_buckets: bucket i holds 1.02^i ms and more, below 1.02^(i+1)
-- ms; -1 holds those of 0 ms. Taken from what derive kept at the run's end, which outlives the events, else from the events.
-- $1 tenant_id, $2 run_id, $3 and $4 bounds of ts, $5 stage or null, $6 vendor or null: over the whole run.
with chosen as (
  select coalesce(
    (select s.duration_class from public.run_stage_stats s where s.tenant_id = $1::int and s.run_id = $2::bigint and s.stage = $5::text),
    'stage'
  ) as class
), kept as materialized (
  select b.index, b.count
  from runledger.trend_buckets t
  cross join chosen c
  cross join lateral (
    select * from unnest(t.bucket_index, t.bucket_count) as u (index, count)
    union all
    select -1, t.zeros where t.zeros > 0
  ) b
  where t.tenant_id = $1
    and t.run_id = $2
    and t.stage = case when $6::text is null then $5 else '_run' end
    and t.class = case when $6 is null then c.class else 'vendor:' || $6 end
), counted as (
  select
    case when e.duration_ms = 0 then -1 else floor(ln(e.duration_ms::double precision) / ln(1.02::double precision))::int end as index,
    count(*) as count
  from public.run_event_logs e
  cross join chosen c
  where e.tenant_id = $1
    and e.run_id = $2
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.seq = 1
    and e.duration_ms is not null
    and e.status in ('ok', 'error')
    and ($6 is not null or (e.stage = $5 and e.kind = c.class))
    and ($6 is null or (e.kind = 'vendor_call' and e.vendor = $6))
    and not exists (select from kept)
  group by 1
)
select json_build_object(
  'duration_class', case when $6 is null then (select class from chosen) else 'vendor_call' end,
  'buckets', (
    select coalesce(json_agg(json_build_array(b.index, b.count) order by b.index), '[]')
    from (select * from kept union all select * from counted) b
  )
) as line;
