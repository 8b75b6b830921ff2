-- One page of a run's events for the CSV file, in key order: the promised eleven columns, then ours. Every page is a statement of its own,
-- so nothing stays open while a slow reader takes the page before.
-- $1 tenant_id, $2 run_id, $3 first event time or the time of the last row seen, $4 last event time, $5 span_id and $6 seq of that row, $7 rows.
select
  e.run_id::text,
  e.tenant_id::text,
  e.stage::text,
  e.company_id::text,
  e.event::text,
  e.status::text,
  e.error_code::text,
  e.duration_ms::text,
  e.trace_id,
  e.extra::text,
  to_char(e.ts at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ts,
  e.span_id,
  e.seq,
  e.kind::text,
  e.vendor::text,
  e.calls::text,
  e.errors::text,
  e.units_total::text,
  e.units_success::text,
  e.units_error::text,
  e.rate_limit_hits::text,
  e.quota_exhausted::text,
  trim_scale(e.cost_usd)::text as cost_usd,
  e.tokens_input::text,
  e.tokens_output::text,
  e.price_id,
  e.bucket::text,
  e.metrics::text
from public.run_event_logs e
where e.tenant_id = $1::int
  and e.run_id = $2::bigint
  and e.ts >= $3::timestamptz
  and e.ts <= $4::timestamptz
  and (e.ts, e.span_id, e.seq) > ($3::timestamptz, $5::text, $6::int)
order by e.ts, e.span_id, e.seq
limit $7;
