copy public.run_event_logs (
  run_id, tenant_id, stage, company_id, event, status, error_code, duration_ms, trace_id, extra, ts, span_id, seq, kind, vendor, calls, errors,
  units_total, units_success, units_error, rate_limit_hits, quota_exhausted, cost_usd, tokens_input, tokens_output, price_id, bucket, metrics)
from stdin (format binary)
