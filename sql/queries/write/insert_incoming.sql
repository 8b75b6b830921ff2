-- Moves what is not there yet, in key order, and returns the keys of what was inserted.
insert into public.run_event_logs (
  run_id, tenant_id, stage, company_id, event, status, error_code, duration_ms, trace_id, extra, ts, span_id, seq, kind, vendor, calls, errors,
  units_total, units_success, units_error, rate_limit_hits, quota_exhausted, cost_usd, tokens_input, tokens_output, price_id, bucket, metrics)
select
  run_id, tenant_id, stage, company_id, event, status, error_code, duration_ms, trace_id, extra, ts, span_id, seq, kind, vendor, calls, errors,
  units_total, units_success, units_error, rate_limit_hits, quota_exhausted, cost_usd, tokens_input, tokens_output, price_id, bucket, metrics
from pg_temp.incoming
order by tenant_id, run_id, ts, span_id, seq
on conflict (tenant_id, run_id, ts, span_id, seq) do nothing
returning tenant_id, run_id, (extract(epoch from ts) * 1000000)::bigint as ts_us, span_id, seq
