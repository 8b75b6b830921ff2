-- Rows whose key was there already with other content; the first stored stays.
select count(*) as conflicts
from pg_temp.incoming as i
join public.run_event_logs as e using (tenant_id, run_id, ts, span_id, seq)
where (i.kind, i.event, i.status, i.error_code, i.duration_ms, i.company_id, i.calls, i.errors, i.units_total, i.units_success, i.units_error,
       i.rate_limit_hits, i.quota_exhausted, i.tokens_input, i.tokens_output, i.bucket, i.metrics)
  is distinct from
      (e.kind, e.event, e.status, e.error_code, e.duration_ms, e.company_id, e.calls, e.errors, e.units_total, e.units_success, e.units_error,
       e.rate_limit_hits, e.quota_exhausted, e.tokens_input, e.tokens_output, e.bucket, e.metrics)
  -- An erased row says less than it was sent with.
  and not coalesce(e.extra ? 'erased', false)
