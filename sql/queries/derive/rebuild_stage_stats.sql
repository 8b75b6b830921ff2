-- Writes the run's rows of run_stage_stats as its events say, where they differ or are missing. Percentiles stay; derive writes them.
-- $1 tenant_id int, $2 run_id bigint. Run it in a statement after lock_run, so that it sees all that was committed before the lock.
insert into public.run_stage_stats as t (
  tenant_id, run_id, stage, count_total, count_success, count_error, cost_usd, tokens_input, tokens_output, status,
  started_at, ended_at, duration_ms, retry_count, fallback_count, state_at, state_is_end, state_span_id
)
select
  c.tenant_id, c.run_id, c.stage, c.count_total, c.count_success, c.count_error, c.cost_usd, c.tokens_input,
  c.tokens_output, c.status, c.started_at, c.ended_at, c.duration_ms, c.retry_count, c.fallback_count, c.state_at,
  c.state_is_end, c.state_span_id
from runledger.recounted_stage_stats c
where c.tenant_id = $1::int and c.run_id = $2::bigint
order by c.stage
on conflict (run_id, tenant_id, stage) do update set
  count_total = excluded.count_total,
  count_success = excluded.count_success,
  count_error = excluded.count_error,
  cost_usd = excluded.cost_usd,
  tokens_input = excluded.tokens_input,
  tokens_output = excluded.tokens_output,
  status = excluded.status,
  started_at = excluded.started_at,
  ended_at = excluded.ended_at,
  duration_ms = excluded.duration_ms,
  retry_count = excluded.retry_count,
  fallback_count = excluded.fallback_count,
  state_at = excluded.state_at,
  state_is_end = excluded.state_is_end,
  state_span_id = excluded.state_span_id
where (
  t.count_total, t.count_success, t.count_error, t.cost_usd, t.tokens_input, t.tokens_output, t.status, t.started_at,
  t.ended_at, t.duration_ms, t.retry_count, t.fallback_count, t.state_at, t.state_is_end, t.state_span_id
) is distinct from (
  excluded.count_total, excluded.count_success, excluded.count_error, excluded.cost_usd, excluded.tokens_input,
  excluded.tokens_output, excluded.status, excluded.started_at, excluded.ended_at, excluded.duration_ms,
  excluded.retry_count, excluded.fallback_count, excluded.state_at, excluded.state_is_end, excluded.state_span_id
)
returning t.stage as name
