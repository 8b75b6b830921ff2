-- Percentiles of each stage of a run: over its items when one has a duration, else over its vendor calls, else over its own spans; only
-- those that ended ok or in error. The exact value is a multiple of 1/100 (whole milliseconds interpolated at 95 or 99 hundredths), so
-- rounding to two digits first takes the floating-point dust away and the second rounding is half up.
-- $1 tenant_id int, $2 run_id bigint, $3 and $4 bounds of ts.
select distinct on (c.stage)
  c.stage,
  c.kind as duration_class,
  c.duration_samples,
  round(round(c.quantiles[1]::numeric, 2))::bigint as p50_ms,
  round(round(c.quantiles[2]::numeric, 2))::bigint as p95_ms,
  round(round(c.quantiles[3]::numeric, 2))::bigint as p99_ms
from (
  select
    e.stage,
    e.kind,
    count(*) as duration_samples,
    percentile_cont(array[0.5, 0.95, 0.99]) within group (order by e.duration_ms::double precision) as quantiles
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.kind in ('item', 'vendor_call', 'stage')
    and e.seq = 1
    and e.status in ('ok', 'error')
    and e.duration_ms is not null
    and e.stage <> '_run'
  group by e.stage, e.kind
) c
order by c.stage, array_position(array['item', 'vendor_call', 'stage'], c.kind::text)
