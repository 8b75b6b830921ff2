-- One page of a run's events as JSON objects for JSON lines, in key order; paged as the CSV export is.
-- $1 tenant_id, $2 run_id, $3 first event time or the time of the last row seen, $4 last event time, $5 span_id and $6 seq of that row, $7 rows.
select to_json(line) as line
from (
  select
    e.run_id,
    e.tenant_id,
    e.stage,
    e.company_id,
    e.event,
    e.status,
    e.error_code,
    e.duration_ms,
    e.trace_id,
    e.extra,
    e.ts,
    e.span_id,
    e.seq,
    e.kind,
    e.vendor,
    e.calls,
    e.errors,
    e.units_total,
    e.units_success,
    e.units_error,
    e.rate_limit_hits,
    e.quota_exhausted,
    trim_scale(e.cost_usd)::text as cost_usd,
    e.tokens_input,
    e.tokens_output,
    e.price_id,
    e.bucket,
    e.metrics
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts >= $3::timestamptz
    and e.ts <= $4::timestamptz
    and (e.ts, e.span_id, e.seq) > ($3::timestamptz, $5::text, $6::int)
) line
order by line.ts, line.span_id, line.seq
limit $7;
