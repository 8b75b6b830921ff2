-- A run's counters in one statement, so that stages and vendors show the same moment. $1 tenant_id, $2 run_id, $3 and $4 the run's first
-- and last event time. A percentile over nothing is null. cost_usd is "at least" where cost_complete is false; for a stage that is
-- read from its events, and is null once they are gone.
with unpriced as (
  select bool_or(v.unpriced_calls > 0 or v.unpriced_tokens > 0) as any_unpriced
  from public.run_vendor_usage v
  where v.tenant_id = $1::int and v.run_id = $2::bigint
),
unpriced_stages as (
  select distinct e.stage
  from public.run_event_logs e
  where (select any_unpriced from unpriced)
    and e.tenant_id = $1
    and e.run_id = $2
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.kind = 'vendor_call'
    and e.cost_usd is null
),
stage_stats as (
  select
    s.stage,
    s.status,
    s.started_at,
    s.ended_at,
    s.duration_ms,
    s.count_total,
    s.count_success,
    s.count_error,
    s.retry_count,
    s.fallback_count,
    case when s.duration_samples > 0 then s.p50_ms end as p50_ms,
    case when s.duration_samples > 0 then s.p95_ms end as p95_ms,
    case when s.duration_samples > 0 then s.p99_ms end as p99_ms,
    s.duration_samples,
    s.duration_class,
    trim_scale(s.cost_usd)::text as cost_usd,
    case
      when not coalesce((select any_unpriced from unpriced), false) then true
      when exists (select from unpriced_stages) then not exists (select from unpriced_stages u where u.stage = s.stage)
    end as cost_complete,
    s.tokens_input,
    s.tokens_output
  from public.run_stage_stats s
  where s.tenant_id = $1 and s.run_id = $2
),
vendor_usage as (
  select
    v.vendor,
    v.calls,
    v.errors,
    v.rate_limit_hits,
    v.quota_exhausted,
    v.tokens_input,
    v.tokens_output,
    trim_scale(v.cost_usd)::text as cost_usd,
    v.unpriced_calls = 0 and v.unpriced_tokens = 0 as cost_complete,
    v.unpriced_calls,
    v.unpriced_tokens,
    case when v.duration_samples > 0 then v.p50_ms end as p50_ms,
    case when v.duration_samples > 0 then v.p95_ms end as p95_ms,
    case when v.duration_samples > 0 then v.p99_ms end as p99_ms,
    v.duration_samples
  from public.run_vendor_usage v
  where v.tenant_id = $1 and v.run_id = $2
),
model_usage as (
  select
    m.vendor,
    nullif(m.model, '') as model,
    m.calls,
    m.errors,
    m.units,
    m.tokens_input,
    m.tokens_output,
    trim_scale(m.cost_usd)::text as cost_usd,
    m.unpriced_calls = 0 and m.unpriced_tokens = 0 as cost_complete,
    m.unpriced_calls,
    m.unpriced_tokens
  from runledger.model_usage m
  where m.tenant_id = $1 and m.run_id = $2
)
select json_build_object(
  'run_id', $2::bigint,
  'tenant_id', $1::int,
  'stage_stats', (select coalesce(json_agg(s order by s.started_at nulls last, s.stage), '[]') from stage_stats s),
  'vendor_usage', (select coalesce(json_agg(v order by v.vendor), '[]') from vendor_usage v),
  'model_usage', (select coalesce(json_agg(m order by m.vendor, m.model nulls first), '[]') from model_usage m)
) as line;
