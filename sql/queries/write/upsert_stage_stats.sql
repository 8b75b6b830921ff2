-- $1 jsonb array, one object a (tenant, run, stage). State: the largest (state_at, state_is_end, state_span_id) wins.
insert into public.run_stage_stats as s (
  run_id, tenant_id, stage, count_total, count_success, count_error, cost_usd, tokens_input, tokens_output, duration_ms, retry_count, fallback_count,
  started_at, ended_at, status, state_at, state_is_end, state_span_id)
select
  u.run_id, u.tenant_id, u.stage, u.count_total, u.count_success, u.count_error, u.cost_usd, u.tokens_input, u.tokens_output, u.duration_ms,
  u.retry_count, u.fallback_count, u.started_at, u.ended_at, u.status, u.state_at, u.state_is_end, u.state_span_id
from jsonb_to_recordset($1::jsonb) as u (
  run_id bigint, tenant_id int, stage text, count_total bigint, count_success bigint, count_error bigint, cost_usd numeric, tokens_input bigint,
  tokens_output bigint, duration_ms bigint, retry_count bigint, fallback_count bigint, started_at timestamptz, ended_at timestamptz, status text,
  state_at timestamptz, state_is_end smallint, state_span_id text)
order by u.tenant_id, u.run_id, u.stage collate "C"
on conflict (run_id, tenant_id, stage) do update set
  count_total = s.count_total + excluded.count_total,
  count_success = s.count_success + excluded.count_success,
  count_error = s.count_error + excluded.count_error,
  cost_usd = s.cost_usd + excluded.cost_usd,
  tokens_input = s.tokens_input + excluded.tokens_input,
  tokens_output = s.tokens_output + excluded.tokens_output,
  duration_ms = s.duration_ms + excluded.duration_ms,
  retry_count = s.retry_count + excluded.retry_count,
  fallback_count = s.fallback_count + excluded.fallback_count,
  started_at = least(s.started_at, excluded.started_at),
  ended_at = greatest(s.ended_at, excluded.ended_at),
  status = case when (excluded.state_at, excluded.state_is_end, excluded.state_span_id) > (s.state_at, s.state_is_end, s.state_span_id)
    then excluded.status else s.status end,
  state_at = greatest(s.state_at, excluded.state_at),
  state_is_end = case when (excluded.state_at, excluded.state_is_end, excluded.state_span_id) > (s.state_at, s.state_is_end, s.state_span_id)
    then excluded.state_is_end else s.state_is_end end,
  state_span_id = case when (excluded.state_at, excluded.state_is_end, excluded.state_span_id) > (s.state_at, s.state_is_end, s.state_span_id)
    then excluded.state_span_id else s.state_span_id end
