-- Percentiles of each vendor of a run over its calls that ended ok or in error, rounded as those of stages.
-- $1 tenant_id int, $2 run_id bigint, $3 and $4 bounds of ts.
select
  c.vendor,
  c.duration_samples,
  round(round(c.quantiles[1]::numeric, 2))::bigint as p50_ms,
  round(round(c.quantiles[2]::numeric, 2))::bigint as p95_ms,
  round(round(c.quantiles[3]::numeric, 2))::bigint as p99_ms
from (
  select
    e.vendor,
    count(*) as duration_samples,
    percentile_cont(array[0.5, 0.95, 0.99]) within group (order by e.duration_ms::double precision) as quantiles
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.kind = 'vendor_call'
    and e.seq = 1
    and e.status in ('ok', 'error')
    and e.duration_ms is not null
    and e.vendor is not null
  group by e.vendor
) c
order by c.vendor
